// Package linux has the values and names of Linux's constants, as a script's
// system calls use them: socket options, flags, ioctls, errnos, TCP states.
//
// The numbers are those of x86-64, on whichever system the program runs; what
// runs a script on a stack with other numbers translates them.
package linux

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

//go:generate go run ./gen

type symbol struct {
	name  string
	value int64
}

type errno struct {
	number     int
	name, text string
}

// Value returns the value of a symbolic name: SOL_SOCKET, MSG_DONTWAIT, EAGAIN.
func Value(name string) (value int64, ok bool) {
	i, ok := slices.BinarySearchFunc(symbols[:], name, func(s symbol, name string) int {
		return cmp.Compare(s.name, name)
	})
	if !ok {
		return 0, false
	}
	return symbols[i].value, true
}

// Names returns all names that Value knows, sorted.
func Names() []string {
	names := make([]string, len(symbols))
	for i, s := range symbols {
		names[i] = s.name
	}
	return names
}

// Errno returns the number of an error by its name, aliases such as EWOULDBLOCK
// included. EPOLLIN and its like aren't errors, for all their E.
func Errno(name string) (number int, ok bool) {
	v, ok := Value(name)
	if !ok || name[0] != 'E' || strings.HasPrefix(name, "EPOLL") {
		return 0, false
	}
	return int(v), true
}

// ErrnoName returns the usual name of an error number, "EAGAIN", or
// "errno 1234" where Linux has no such error.
func ErrnoName(number int) string {
	if e := findErrno(number); e != nil {
		return e.name
	}
	return fmt.Sprintf("errno %d", number)
}

// Strerror returns what the C library of a Linux system says of an error
// number: "Resource temporarily unavailable".
func Strerror(number int) string {
	if number == 0 {
		return "Success"
	}
	if e := findErrno(number); e != nil {
		return e.text
	}
	return fmt.Sprintf("Unknown error %d", number)
}

func findErrno(number int) *errno {
	i, ok := slices.BinarySearchFunc(errnos[:], number, func(e errno, number int) int {
		return cmp.Compare(e.number, number)
	})
	if !ok {
		return nil
	}
	return &errnos[i]
}

// TCPState returns the name of a state as tcpi_state has it, "TCP_SYN_SENT", or
// "TCP state 99" where Linux has no such state.
func TCPState(state int) string {
	if state < 0 || state >= len(tcpStates) || tcpStates[state] == "" {
		return fmt.Sprintf("TCP state %d", state)
	}
	return tcpStates[state]
}

// The states of Linux's include/net/tcp_states.h.
var tcpStates = [...]string{
	1:  "TCP_ESTABLISHED",
	2:  "TCP_SYN_SENT",
	3:  "TCP_SYN_RECV",
	4:  "TCP_FIN_WAIT1",
	5:  "TCP_FIN_WAIT2",
	6:  "TCP_TIME_WAIT",
	7:  "TCP_CLOSE",
	8:  "TCP_CLOSE_WAIT",
	9:  "TCP_LAST_ACK",
	10: "TCP_LISTEN",
	11: "TCP_CLOSING",
	12: "TCP_NEW_SYN_RECV",
	13: "TCP_BOUND_INACTIVE",
}

// Flags writes a bit mask as a script would, lowest bit first:
// Flags(0x11, "POLL") is "POLLIN|POLLHUP". The prefix picks the family: "MSG_",
// "POLL", "EPOLL", "O_", "SOF_TIMESTAMPING_", "SPLICE_F_". Bits without a name
// come last, in hexadecimal; a mask of 0 is "0".
func Flags(mask int64, prefix string) string {
	if mask == 0 {
		return "0"
	}
	var words []string
	rest := uint64(mask)
	for left := rest; left != 0; left &= left - 1 {
		bit := uint64(1) << bits.TrailingZeros64(left)
		if name := flagName(int64(bit), prefix); name != "" {
			words = append(words, name)
			rest &^= bit
		}
	}
	if rest != 0 {
		words = append(words, fmt.Sprintf("%#x", rest))
	}
	return strings.Join(words, "|")
}

func flagName(bit int64, prefix string) string {
	first, _ := slices.BinarySearchFunc(symbols[:], prefix, func(s symbol, prefix string) int {
		return cmp.Compare(s.name, prefix)
	})
	for _, s := range symbols[first:] {
		if !strings.HasPrefix(s.name, prefix) {
			break
		}
		switch {
		case s.value != bit:
		case strings.HasPrefix(s.name[len(prefix):], "_"): // EPOLL_CTL_ADD is no event
		case slices.Contains(secondNames, s.name):
		default:
			return s.name
		}
	}
	return ""
}

// secondNames are those that Flags passes over for the usual one.
var secondNames = []string{"MSG_TRYHARD", "O_FSYNC", "O_NDELAY", "SOF_TIMESTAMPING_LAST"}

// MustValue is Value for names that the program itself knows of.
func MustValue(name string) int64 {
	v, ok := Value(name)
	if !ok {
		panic("script/linux has no " + name)
	}
	return v
}
