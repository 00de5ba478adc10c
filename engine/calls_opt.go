package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Calls that get and set: socket options, ioctl, fcntl, capabilities.

// An optValue is a socket option's value.
type optValue struct {
	bytes []byte
	// text writes such a value as the script would.
	text func([]byte) string
	// classic does so as packetdrill would.
	classic func([]byte) string
	prefix  bool // "text"...: what follows is of no matter
}

// optval evaluates a socket option's value: numbers in brackets, strings,
// addresses, and the structs that have a notation. size is how long the script
// says it is, negative if it doesn't; it decides how wide numbers are.
func (b *callBuilder) optval(e script.Expr, size int) optValue {
	hex := func(p []byte) string { return fmt.Sprintf("%x", p) }
	switch v := e.(type) {
	case script.String:
		return optValue{
			bytes: b.str(v), prefix: v.Ellipsis,
			text:    func(p []byte) string { return bytesText(p, false) },
			classic: printable,
		}
	case script.Linger:
		p := le.AppendUint32(nil, uint32(v.OnOff.Value))
		return optValue{bytes: le.AppendUint32(p, uint32(v.Linger.Value)), text: lingerText, classic: hex}
	case script.GRE:
		return optValue{bytes: encodeGRE(v), text: greText, classic: hex}
	case script.MPLS:
		return optValue{bytes: encodeMPLS(v), text: hex, classic: hex}
	case script.Inet:
		return optValue{bytes: b.inet(v).AsSlice(), text: addrText, classic: addrText}
	case script.Sockaddr:
		return optValue{bytes: encodeSockaddr(b.sockaddr(v)), text: sockaddrText, classic: sockaddrText}
	case script.List:
		return b.numbers(e, v.Elems, size)
	case script.Braces:
		return b.numbers(e, v.Elems, size)
	}
	ours, classic := typeNames(e)
	b.failClassic(e, fmt.Sprintf("unsupported %s value type: %s", b.c.Name, classic),
		"got %s, want a value such as [1] or \"cubic\"", ours)
	return optValue{}
}

// numbers evaluates [1], or several for structs of numbers. A number is as wide
// as the size says, an int if it doesn't; those of a timeval are 64 bits.
func (b *callBuilder) numbers(e script.Expr, elems []script.Expr, size int) optValue {
	if key, ok := b.md5Key(elems); ok {
		return key
	}
	width := 4
	if len(elems) > 0 {
		switch w := size / len(elems); w {
		case 1, 2, 4, 8:
			if w*len(elems) == size {
				width = w
			}
		}
	}
	if size < 0 && len(elems) == 2 && b.isTimeout() {
		width = 8
	}
	v := optValue{
		text:    func(p []byte) string { return b.numbersText(elems, p, width) },
		classic: func(p []byte) string { return classicNumber(p, width) },
	}
	for _, elem := range elems {
		n := b.int64(elem)
		if width < 8 {
			b.int32(elem) // for its range
		}
		v.bytes = append(v.bytes, le.AppendUint64(nil, uint64(n))[:width]...)
	}
	if len(elems) == 0 {
		b.fail(e, "got an empty list, want a number")
	}
	return v
}

// isTimeout tells the options whose value is a struct timeval.
func (b *callBuilder) isTimeout() bool {
	if b.int32(b.c.Args[1]) != solSocket {
		return false
	}
	name := b.int32(b.c.Args[2])
	return name == soRcvtimeo || name == soSndtimeo
}

// numbersText writes numbers as the script would: in brackets, by name where
// the script used names.
func (b *callBuilder) numbersText(elems []script.Expr, p []byte, width int) string {
	var parts []string
	for i := 0; (i+1)*width <= len(p); i++ {
		var raw [8]byte
		copy(raw[:], p[i*width:(i+1)*width])
		v := int64(le.Uint64(raw[:]))
		if width == 4 {
			v = int64(int32(v))
		}
		parts = append(parts, b.numberText(elems[min(i, len(elems)-1)], v))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// numberText writes v, which stands where the script has e.
func (b *callBuilder) numberText(e script.Expr, v int64) string {
	isError := b.int32(b.c.Args[1]) == solSocket && b.int32(b.c.Args[2]) == soError
	switch w := e.(type) {
	case script.Word:
		if n, _ := linux.Value(w.Name); n == v && !isError {
			return w.Name
		}
	case script.Int:
		if strings.HasPrefix(w.Text, "0x") {
			return fmt.Sprintf("%#x", v)
		}
	}
	if isError && v != 0 {
		return errnoName(int(v))
	}
	return strconv.FormatInt(v, 10)
}

func classicNumber(p []byte, width int) string {
	if width == 4 && len(p) >= 4 {
		return strconv.Itoa(int(int32(le.Uint32(p))))
	}
	return fmt.Sprintf("%x", p)
}

// printable writes a string as packetdrill does.
func printable(p []byte) string {
	var s strings.Builder
	for i, c := range p {
		switch {
		case c >= ' ' && c <= '~', c == 0 && i == len(p)-1:
			s.WriteByte(c)
		default:
			fmt.Fprintf(&s, `\x%02x`, c)
		}
	}
	return s.String()
}

// md5Key evaluates [sockaddr or ..., "key"] for TCP_MD5SIG: a struct
// tcp_md5sig. `...` is the configured remote address.
func (b *callBuilder) md5Key(elems []script.Expr) (optValue, bool) {
	const keyMax = 80
	if len(elems) != 2 {
		return optValue{}, false
	}
	key, ok := elems[1].(script.String)
	if !ok {
		return optValue{}, false
	}
	d := b.destination(elems[0], b.s.connectAddr())
	text := b.str(key)
	if len(text) > keyMax {
		b.fail(key, "got a key of %d bytes, want at most %d", len(text), keyMax)
		return optValue{}, true
	}
	p := make([]byte, sockaddrStorageLen, sockaddrStorageLen+8+keyMax)
	copy(p, d.bytes)
	p = append(p, 0, 0) // flags, prefix length
	p = le.AppendUint16(p, uint16(len(text)))
	p = le.AppendUint32(p, 0) // interface
	p = append(p, text...)
	p = p[:cap(p)]
	hex := func(p []byte) string { return fmt.Sprintf("%x", p) }
	return optValue{bytes: p, text: hex, classic: hex}, true
}

func lingerText(p []byte) string {
	if len(p) < 8 {
		return fmt.Sprintf("%d bytes", len(p))
	}
	return fmt.Sprintf("{onoff=%d, linger=%d}", int32(le.Uint32(p)), int32(le.Uint32(p[4:])))
}

func addrText(p []byte) string {
	a, ok := netip.AddrFromSlice(p)
	if !ok {
		return fmt.Sprintf("%d bytes", len(p))
	}
	return a.String()
}

// encodeGRE lays out a GRE header with all its optional fields, as the option
// that sets up such encapsulation takes it. The protocol isn't the script's.
func encodeGRE(g script.GRE) []byte {
	p := binary.BigEndian.AppendUint16(nil, uint16(g.Flags.Value))
	p = append(p, 0, 0)
	p = binary.BigEndian.AppendUint16(p, uint16(g.Sum.Value))
	p = binary.BigEndian.AppendUint16(p, uint16(g.Off.Value))
	p = binary.BigEndian.AppendUint32(p, uint32(g.Key.Value))
	return binary.BigEndian.AppendUint32(p, uint32(g.Seq.Value))
}

func greText(p []byte) string {
	if len(p) < 16 {
		return fmt.Sprintf("%d bytes", len(p))
	}
	be := binary.BigEndian
	return fmt.Sprintf("{flags %#x, sum %#x, off %#x, key = %#x, seq %d}",
		be.Uint16(p), be.Uint16(p[4:]), be.Uint16(p[6:]), be.Uint32(p[8:]), be.Uint32(p[12:]))
}

// encodeMPLS lays out label stack entries (RFC 3032).
func encodeMPLS(m script.MPLS) []byte {
	var p []byte
	for _, l := range m.Labels {
		entry := uint32(l.Label.Value)<<12 | uint32(l.TC.Value)<<9 | uint32(l.TTL.Value)
		if l.Bottom {
			entry |= 1 << 8
		}
		p = binary.BigEndian.AppendUint32(p, entry)
	}
	return p
}

// buildSetsockopt: setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0. The
// value is padded with zeros where the length says it is longer.
func (b *callBuilder) buildSetsockopt() {
	const padMax = 1 << 16 // no option is as long
	b.passFD(0)
	b.passInt(1)
	b.passInt(2)
	size := -1
	if !isEllipsis(b.c.Args[4]) {
		size = int(b.int32(b.c.Args[4]))
	}
	natural := 0
	if !b.passNull(3) {
		v := b.optval(b.c.Args[3], size)
		natural = len(v.bytes)
		buf := newMemory(max(natural, min(size, padMax)))
		copy(buf, v.bytes)
		b.pass(Arg{Buf: buf})
	}
	b.passLen(4, natural)
}

// buildGetsockopt: getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0. `...` as
// value or length leaves either unchecked.
func (b *callBuilder) buildGetsockopt() {
	const anySize = 1024
	b.passFD(0)
	b.passInt(1)
	b.passInt(2)
	value, length := b.c.Args[3], b.c.Args[4]
	size := -1
	if elem, ok := b.wantLen(length); ok {
		size = int(b.int32(elem))
	}
	var want optValue
	compared := !isEllipsis(value) && !isNull(value)
	if compared {
		want = b.optval(value, size)
		b.checkOptlen(value, want, size)
	}
	room := size
	if size < 0 {
		room = len(want.bytes)
		if !compared || want.prefix {
			room = anySize
		}
	}
	var buf []byte
	if !b.passNull(3) {
		buf = newMemory(max(room, len(want.bytes)))
		b.pass(Arg{Buf: buf})
	}
	if b.passNull(4) {
		return
	}
	optlen := le.AppendUint32(nil, uint32(room))
	if size < 0 && !isEllipsis(length) {
		le.PutUint32(optlen, uint32(size)) // negative in the script, too
	}
	b.pass(Arg{Buf: optlen})
	if !isEllipsis(length) {
		b.check(func(Result) []Mismatch { return optlenDiffers(length, size, int32(le.Uint32(optlen))) })
	}
	if compared {
		b.check(func(Result) []Mismatch { return compareOptval(value, want, buf, int(int32(le.Uint32(optlen)))) })
	}
}

// wantLen evaluates the length of an option to get: [4]; ok is false for `...`
// and NULL.
func (b *callBuilder) wantLen(e script.Expr) (elem script.Expr, ok bool) {
	if isEllipsis(e) || isNull(e) {
		return nil, false
	}
	return b.single(e)
}

// checkOptlen checks that the value which the script expects can have the
// length that it expects.
func (b *callBuilder) checkOptlen(e script.Expr, want optValue, size int) {
	n := len(want.bytes)
	if size < 0 || n == size || want.prefix && n < size {
		return
	}
	if _, isString := e.(script.String); isString {
		b.failClassic(e, fmt.Sprintf("Bad getsockopt optval: expected optlen (%d bytes) does not match length of expected optval string '%s' (%d bytes)",
			size, want.classic(want.bytes), n),
			"got a string of %d bytes, want the %d that the length says", n, size)
		return
	}
	b.failClassic(e, fmt.Sprintf("Unsupported getsockopt optlen: %d", size),
		"got a length of %d, want %d for this value", size, n)
}

func optlenDiffers(e script.Expr, want int, got int32) []Mismatch {
	if int32(want) == got {
		return nil
	}
	return []Mismatch{{
		What: "option length", Want: fmt.Sprintf("[%d]", want), Got: fmt.Sprintf("[%d]", got), Node: e,
		Text:    fmt.Sprintf("[%d]", got),
		Classic: fmt.Sprintf("Bad getsockopt optlen: expected: %d actual: %d", want, got),
	}}
}

// compareOptval compares the memory that getsockopt wrote to, of which optlen
// bytes are the value, with the script's value.
func compareOptval(e script.Expr, want optValue, buf []byte, optlen int) []Mismatch {
	got := buf[:min(len(want.bytes), len(buf))]
	same := bytes.Equal(got, want.bytes)
	if _, isGRE := e.(script.GRE); isGRE && len(got) == 16 {
		// The protocol between the flags and the rest isn't the script's.
		same = bytes.Equal(got[:2], want.bytes[:2]) && bytes.Equal(got[4:], want.bytes[4:])
	}
	if same {
		return nil
	}
	if _, isString := e.(script.String); isString {
		got = buf[:min(max(optlen, 0), len(buf))]
		m := Mismatch{
			What: "option value", Want: bytesText(want.bytes, want.prefix), Got: bytesText(got, false), Node: e,
			Classic: fmt.Sprintf("Bad getsockopt optval: expected: '%s' actual: '%s'", want.classic(want.bytes), want.classic(got)),
		}
		if want.prefix {
			m.Text = bytesText([]byte(cString(got)), true)
		} else if len(got) == len(want.bytes) {
			m.Text = m.Got
		}
		return []Mismatch{m}
	}
	m := Mismatch{
		What: "option value", Want: want.text(want.bytes), Got: want.text(got), Node: e,
		Classic: fmt.Sprintf("Bad getsockopt optval: expected: %s actual: %s", want.classic(want.bytes), want.classic(got)),
	}
	if _, isList := elements(e); isList {
		m.Text = note.ReplaceAllString(m.Got, "")
	}
	return []Mismatch{m}
}

// buildIoctl: ioctl(4, SIOCINQ, [1000]) = 0. The int is compared after the call;
// commands that read it find the script's number there.
func (b *callBuilder) buildIoctl() {
	b.passFD(0)
	command := b.passInt(1)
	if len(b.c.Args) == 2 {
		return
	}
	e := b.c.Args[2]
	if b.passNull(2) {
		return
	}
	if isEllipsis(e) {
		b.pass(Arg{Buf: newMemory(sockaddrStorageLen)})
		return
	}
	if isNumber(e) {
		b.passInt(2)
		return
	}
	elem, ok := b.single(e)
	if !ok {
		return
	}
	want := b.int32(elem)
	buf := le.AppendUint32(nil, uint32(want))
	switch command {
	case siocinq, siocoutq, siocoutqnsd, siocatmark:
		le.PutUint32(buf, ^uint32(want)) // so that nothing written is a difference
	}
	b.pass(Arg{Buf: buf})
	b.check(func(res Result) []Mismatch {
		got := int32(le.Uint32(buf))
		if res.Ret < 0 || got == want {
			return nil
		}
		return []Mismatch{{
			What: "value", Want: fmt.Sprintf("[%d]", want), Got: fmt.Sprintf("[%d]", got), Node: e,
			Text:    fmt.Sprintf("[%d]", got),
			Classic: fmt.Sprintf("Bad ioctl optval: expected: %d actual: %d", want, got),
		}}
	})
}

// buildFcntl: fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0.
func (b *callBuilder) buildFcntl() {
	f := b.passFD(0)
	command := b.passInt(1)
	if len(b.c.Args) == 3 {
		b.passInt(2)
	}
	switch command {
	case fGetfl:
		b.showFlags = "O_"
	case fDupfd, fDupfdCloexec:
		b.duplicates(f)
	}
}

// buildCapSet: cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0: not a
// system call of Linux, but what cap_set_flag(3) and cap_set_proc(3) do
// together.
func (b *callBuilder) buildCapSet() {
	b.passInt(0)
	b.passInt(1)
	b.passInt(2)
	b.returnsFD = true // any number but an error
}
