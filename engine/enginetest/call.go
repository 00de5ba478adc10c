package enginetest

import (
	"math/rand/v2"
	"net/netip"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// NewCall makes a call with arguments that are numbers (int) or memory: []byte, string
// (with a 0 behind it), *engine.Msghdr, []engine.Mmsghdr, []engine.EpollEvent, *int64 (an
// offset), [][]byte (iovecs). Others, such as nil, are null pointers.
func NewCall(name string, args ...any) *engine.Call {
	c := &engine.Call{Name: name}
	for _, v := range args {
		var a engine.Arg
		switch v := v.(type) {
		case int:
			a.Int = int64(v)
		case []byte:
			a.Buf = v
		case string:
			a.Buf = append([]byte(v), 0)
		case *engine.Msghdr:
			a.Msg = v
		case []engine.Mmsghdr:
			a.Msgs = v
		case []engine.EpollEvent:
			a.Epoll = v
		case *int64:
			a.Offset = v
		case [][]byte:
			a.Iov = v
		}
		c.Args = append(c.Args, a)
	}
	return c
}

// RandomArgs makes up six arguments for a call, the first of them most often a
// descriptor from 3 to 11.
func RandomArgs(r *rand.Rand) []any {
	v4 := netip.MustParseAddrPort("192.0.2.1:80")
	v6 := netip.MustParseAddrPort("[::ffff:192.0.2.1]:80")
	name := abi.AppendSockaddr(nil, abi.AfInet, v4)
	var args []any
	for n := range 6 {
		switch k := r.IntN(10); {
		case n == 0 && k > 0:
			args = append(args, 3+r.IntN(9))
		case k < 5:
			args = append(args, []int{0, 1, -1, 2, 3, 6, 16, 28, 41, 17, r.IntN(90)}[r.IntN(11)])
		case k == 5:
			args = append(args, name)
		case k == 6:
			args = append(args, abi.AppendSockaddr(nil, abi.AfInet6, v6))
		case k == 7:
			args = append(args, &engine.Msghdr{Iov: [][]byte{make([]byte, 3)}, Control: make([]byte, r.IntN(40)), Name: name})
		case k == 8:
			args = append(args, []engine.EpollEvent{{Events: r.Uint32()}})
		default:
			args = append(args, make([]byte, r.IntN(70)))
		}
	}
	return args
}
