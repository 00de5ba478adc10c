package linux

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The names that packetdrill resolves, every one of them.
func TestPacketdrillNames(t *testing.T) {
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(text)) {
		if _, ok := Value(name); !ok {
			t.Errorf("no value for %s", name)
		}
	}
}

func TestValue(t *testing.T) {
	for _, test := range []struct {
		name string
		want int64
	}{
		{"NULL", 0},
		{"SOL_SOCKET", 1},
		{"SO_REUSEADDR", 2},
		{"TCP_NODELAY", 1},
		{"TCP_RTO_MIN_US", 45},
		{"TCP_CA_LOSS", 4},
		{"TCP_INFINITE_SSTHRESH", 0x7fffffff},
		{"EPOLLET", 0x80000000},
		{"FIONREAD", 0x541b},
		{"SIOCINQ", 0x541b},
		{"MSG_ZEROCOPY", 0x4000000},
		{"EWOULDBLOCK", 11},
		{"CAP_NET_ADMIN", 12},
		{"CAP_PERMITTED", 1},
		{"TCPI_OPT_TFO_CHILD", 128},
	} {
		if got, ok := Value(test.name); !ok || got != test.want {
			t.Errorf("Value(%q) = %d, %v, want %d", test.name, got, ok, test.want)
		}
	}
	for _, name := range []string{"", "SO_", "SO_REUSEADR", "zzz"} {
		if got, ok := Value(name); ok {
			t.Errorf("Value(%q) = %d, want none", name, got)
		}
	}
}

func TestNamesAreSorted(t *testing.T) {
	names := Names()
	if !slices.IsSorted(names) {
		t.Error("Names aren't sorted")
	}
	if len(slices.Compact(names)) != len(symbols) {
		t.Error("a name is there twice")
	}
	if !slices.IsSortedFunc(errnos[:], func(a, b errno) int { return a.number - b.number }) {
		t.Error("errnos aren't sorted")
	}
}

func TestErrno(t *testing.T) {
	for _, test := range []struct {
		number     int
		name, text string
	}{
		{0, "errno 0", "Success"},
		{11, "EAGAIN", "Resource temporarily unavailable"},
		{35, "EDEADLK", "Resource deadlock avoided"},
		{79, "ELIBACC", "Can not access a needed shared library"},
		{80, "ELIBBAD", "Accessing a corrupted shared library"},
		{81, "ELIBSCN", ".lib section in a.out corrupted"},
		{104, "ECONNRESET", "Connection reset by peer"},
		{133, "EHWPOISON", "Memory page has hardware error"},
		{41, "errno 41", "Unknown error 41"},
		{1234, "errno 1234", "Unknown error 1234"},
		{-1, "errno -1", "Unknown error -1"},
	} {
		if got := ErrnoName(test.number); got != test.name {
			t.Errorf("ErrnoName(%d) = %q, want %q", test.number, got, test.name)
		}
		if got := Strerror(test.number); got != test.text {
			t.Errorf("Strerror(%d) = %q, want %q", test.number, got, test.text)
		}
	}
	for name, want := range map[string]int{"EAGAIN": 11, "EWOULDBLOCK": 11, "ENOTSUP": 95, "EOPNOTSUPP": 95} {
		if got, ok := Errno(name); !ok || got != want {
			t.Errorf("Errno(%q) = %d, %v, want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"EPOLLIN", "SOL_IP", "ENOSUCH"} {
		if got, ok := Errno(name); ok {
			t.Errorf("Errno(%q) = %d, want none", name, got)
		}
	}
}

func TestTCPState(t *testing.T) {
	for state := 1; state < len(tcpStates); state++ {
		if v, ok := Value(TCPState(state)); !ok || v != int64(state) {
			t.Errorf("Value(%q) = %d, %v, want %d", TCPState(state), v, ok, state)
		}
	}
	for _, state := range []int{-1, 0, 99} {
		if got := TCPState(state); !strings.HasPrefix(got, "TCP state ") {
			t.Errorf("TCPState(%d) = %q", state, got)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		mask   int64
		prefix string
		want   string
	}{
		{0, "POLL", "0"},
		{0x11, "POLL", "POLLIN|POLLHUP"},
		{0x2001, "EPOLL", "EPOLLIN|EPOLLRDHUP"},
		{3, "EPOLL", "EPOLLIN|EPOLLPRI"},
		{0x80000000, "EPOLL", "EPOLLET"},
		{0x4044, "MSG_", "MSG_DONTROUTE|MSG_DONTWAIT|MSG_NOSIGNAL"},
		{0x800, "O_", "O_NONBLOCK"},
		{0x40001, "POLL", "POLLIN|0x40000"},
		{1 << 18, "SOF_TIMESTAMPING_", "SOF_TIMESTAMPING_TX_COMPLETION"},
		{-1 << 63, "MSG_", "0x8000000000000000"},
	} {
		if got := Flags(test.mask, test.prefix); got != test.want {
			t.Errorf("Flags(%#x, %q) = %q, want %q", test.mask, test.prefix, got, test.want)
		}
	}
}

func TestMustValue(t *testing.T) {
	if got := MustValue("SO_REUSEADDR"); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a name that isn't there")
		}
	}()
	MustValue("SO_REUSEADR")
}
