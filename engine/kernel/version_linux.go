package kernel

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Version says which kernel this is and how fast its timer ticks:
// "Linux 6.12.9, HZ=250".
func Version() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	version := "Linux " + unix.ByteSliceToString(u.Release[:])
	var res unix.Timespec
	// The coarse clock moves with the tick.
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res); err == nil && res.Nano() > 0 {
		version += fmt.Sprintf(", HZ=%d", int64(time.Second)/res.Nano())
	}
	return version
}
