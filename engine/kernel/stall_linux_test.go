package kernel

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

func init() { jobs["stall"] = stallJob }

// stallJob sends datagrams, of 1, 2, … bytes, before a stall, in it and after it. The
// device has room for two.
func stallJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureMode(arg))); err != nil {
		return err
	}
	fd, err := must(t, "socket", num(unix.AF_INET), num(unix.SOCK_DGRAM), num(0))
	if err != nil {
		return err
	}
	to := []byte{unix.AF_INET, 0, 0, 9, 192, 0, 2, 1, 15: 0}
	bytes := 0
	send := func() error {
		bytes++
		_, err := must(t, "sendto", num(fd), buf(make([]byte, bytes)), num(int64(bytes)), num(0), buf(to), num(16))
		return err
	}
	before, err := t.Counters()
	if err != nil {
		return err
	}
	two := 2
	if err := t.ChangeLink(engine.LinkChange{Dev: Device, TxQueueLen: &two}); err != nil {
		return err
	}
	if err := send(); err != nil {
		return err
	}
	if err := t.Stall(); err != nil {
		return err
	}
	for range 4 {
		if err := send(); err != nil {
			return err
		}
	}
	t.WaitUntil(t.Now() + 5*time.Millisecond)
	stalled := t.Now()
	for round := range 2 { // nothing more comes in the second
		for {
			c, err := t.Receive(t.Now())
			if err != nil {
				return err
			}
			if c == nil {
				break
			}
			emit(fmt.Appendf(nil, "%d bytes, late %v, held %v", len(c.Data)-28, c.Time >= stalled, c.Held > time.Millisecond))
		}
		if round == 0 {
			emit([]byte("resume"))
			if err := t.Resume(); err != nil {
				return err
			}
			if err := send(); err != nil {
				return err
			}
		}
	}
	after, err := t.Counters()
	emit(fmt.Appendf(nil, "dropped %d", after.TxDropped-before.TxDropped))
	return err
}

// What the device drops never comes, and what waits comes when the reader goes on.
func TestStall(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		const want = "1 bytes, late false, held false\n" +
			"resume\n" +
			"2 bytes, late true, held false\n" +
			"3 bytes, late true, held false\n" +
			"6 bytes, late true, held false\n" +
			"dropped 2\n"
		if out, err := run(t, "stall "+string(engine.CaptureCopy)); out != want || err != nil {
			t.Errorf("got\n%s%v\nwant\n%s", out, err, want)
		}
		if _, err := run(t, "stall "+string(engine.CapturePacket)); err == nil {
			t.Error("a reader that never reads was stalled")
		}
	})
}
