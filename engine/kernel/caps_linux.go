package kernel

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// Values of libcap's cap_flag_t and cap_flag_value_t, which the language has.
const (
	capEffective = iota
	capPermitted
	capInheritable
)

// caps is what cap_set has made of the capabilities. Linux keeps them per
// thread; a script has one process in mind.
type caps struct {
	changed atomic.Pointer[[2]unix.CapUserData]
}

func capHeader() *unix.CapUserHeader {
	return &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
}

// set is cap_set(flag, capability, value): libcap's cap_get_proc, cap_set_flag
// and cap_set_proc in one.
func (c *caps) set(call *engine.Call) engine.Result {
	if len(call.Args) != 3 {
		return engine.Result{Ret: -1, Err: fmt.Errorf("cap_set has 3 arguments, not %d", len(call.Args))}
	}
	flag, number, value := call.Args[0].Int, call.Args[1].Int, call.Args[2].Int
	var data [2]unix.CapUserData
	if err := unix.Capget(capHeader(), &data[0]); err != nil {
		return engine.Result{Ret: -1, Err: os.NewSyscallError("capget", err)}
	}
	if number < 0 || number > unix.CAP_LAST_CAP || value&^1 != 0 {
		return engine.Result{Ret: -1, Errno: int(unix.EINVAL)}
	}
	d := &data[number/32]
	var set *uint32
	switch flag {
	case capEffective:
		set = &d.Effective
	case capPermitted:
		set = &d.Permitted
	case capInheritable:
		set = &d.Inheritable
	default:
		return engine.Result{Ret: -1, Errno: int(unix.EINVAL)}
	}
	bit := uint32(1) << (number % 32)
	*set &^= bit
	if value == 1 {
		*set |= bit
	}
	runtime.LockOSThread() // for good: other threads don't have them
	if err := unix.Capset(capHeader(), &data[0]); err != nil {
		errno, _ := err.(unix.Errno)
		return engine.Result{Ret: -1, Errno: int(errno)}
	}
	c.changed.Store(&data)
	return engine.Result{}
}

// apply makes the calling thread's capabilities those of the script.
func (c *caps) apply() {
	if data := c.changed.Load(); data != nil {
		unix.Capset(capHeader(), &data[0])
	}
}
