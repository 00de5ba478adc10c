package kernel

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

func init() {
	jobs["handshake"] = handshakeJob
	jobs["super"] = superSegmentJob
	jobs["collapse"] = collapseJob
	jobs["gro"] = gsoInjectJob
	jobs["accept"] = blockingAcceptJob
	jobs["congestion"] = congestionJob
	jobs["counters"] = countersJob
	jobs["ipv6"] = ipv6Job
}

func handshakeJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureMode(arg))); err != nil {
		return err
	}
	if _, err := listen(t); err != nil {
		return err
	}
	if c, err := t.Receive(t.Now()); c != nil || err != nil {
		return fmt.Errorf("captured %v, %v before anything was sent", c, err)
	}
	before := t.Now()
	if err := t.Inject(segment(syn, 0, 0, nil, nil), engine.GSO{}); err != nil {
		return err
	}
	after := t.Now()
	c, err := next(t)
	if err != nil {
		return err
	}
	p := &peer{t: t}
	p.isn = uint32(c.Data[24])<<24 | uint32(c.Data[25])<<16 | uint32(c.Data[26])<<8 | uint32(c.Data[27])
	// The answer is sent before Inject returns.
	if c.Time < before || c.Time > after {
		return fmt.Errorf("sent at %v, want %v to %v", c.Time, before, after)
	}
	if wall := time.Unix(0, int64(t.Wall(c.Time))); time.Since(wall).Abs() > time.Minute {
		return fmt.Errorf("wall time %v", wall)
	}
	emit([]byte(p.describe(c)))
	return nil
}

func TestHandshake(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		for _, capture := range []engine.CaptureMode{engine.CaptureCopy, engine.CapturePacket} {
			out, err := run(t, "handshake "+string(capture))
			if out != "S. 0:0(0)\n" || err != nil {
				t.Errorf("%s: %s, %v", capture, out, err)
			}
		}
	})
}

func superSegmentJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureMode(arg))); err != nil {
		return err
	}
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	// The initial window of ten segments.
	data := make([]byte, 14600)
	data[len(data)-1] = 'z'
	if _, err := must(t, "write", num(p.fd), buf(data), num(int64(len(data)))); err != nil {
		return err
	}
	total, super := 0, false
	for {
		c, err := t.Receive(t.Now())
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		n := len(c.Data) - 40
		super = super || n > 1460
		if n > 1460 && (c.GSO.Type != engine.GSOTCPv4 || c.GSO.Size != 1460) || !c.GSO.NeedsChecksum {
			return fmt.Errorf("%s has %+v", p.describe(c), c.GSO)
		}
		if c.Held > time.Millisecond {
			return fmt.Errorf("%s: held for %v", p.describe(c), c.Held)
		}
		if total += n; total == len(data) {
			emit(fmt.Appendf(nil, "super-segments %v, ends with %q", super, c.Data[len(c.Data)-1]))
		}
	}
	return nil
}

func TestSuperSegment(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		for _, capture := range []engine.CaptureMode{engine.CaptureCopy, engine.CapturePacket} {
			out, err := run(t, "super "+string(capture))
			if out != "super-segments true, ends with 'z'\n" || err != nil {
				t.Errorf("%s: %s%v", capture, out, err)
			}
		}
	})
}

// collapseJob is the question the project began with: data and FIN are lost;
// are they merged when the RTO retransmits the data?
func collapseJob(t *Target, arg string, emit func([]byte)) error {
	capture, how, _ := strings.Cut(arg, " ")
	if err := t.Configure(net4(engine.CaptureMode(capture))); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_early_retrans", []byte("4"), 0); err != nil {
		return err
	}
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	if _, err := must(t, "write", num(p.fd), buf(make([]byte, 1360)), num(1360)); err != nil {
		return err
	}
	if _, err := must(t, "close", num(p.fd)); err != nil {
		return err
	}
	end := t.Now() + 350*time.Millisecond
	if how == "busy" {
		// The engine's thread is elsewhere, as during a command.
		time.Sleep(time.Until(t.epoch.Add(end)))
	}
	for {
		c, err := t.Receive(end)
		if err != nil || c == nil {
			return err
		}
		s := p.describe(c)
		if c.Held > time.Millisecond {
			s += fmt.Sprintf(" held %v", c.Held)
		}
		emit([]byte(s))
	}
}

func TestCollapse(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		tests := []struct{ job, want string }{
			{"collapse copy", "FP. 1:1361(1360)"},
			{"collapse copy busy", "FP. 1:1361(1360)"},
			{"collapse packet", "P. 1:1361(1360)"},
			{"collapse packet busy", "P. 1:1361(1360)"},
		}
		for _, tt := range tests {
			out, err := run(t, tt.job)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			// Data, FIN, the FIN again as loss probe, and what the RTO sends.
			want := []string{"P. 1:1361(1360)", "F. 1361:1361(0)", "F. 1361:1361(0)", tt.want}
			if strings.Join(lines, "\n") != strings.Join(want, "\n") || err != nil {
				t.Errorf("%s: %v\ngot  %q\nwant %q", tt.job, err, lines, want)
			}
		}
	})
}

// Workers don't disturb each other: each stack's packets are let go in time.
func TestParallel(t *testing.T) {
	needKernel(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out, err := run(t, "collapse copy")
			if !strings.HasSuffix(out, "\nFP. 1:1361(1360)\n") || err != nil {
				t.Errorf("%s%v", out, err)
			}
		})
	}
	wg.Wait()
}

func gsoInjectJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureCopy)); err != nil {
		return err
	}
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	super := segment(ack|psh, 1, p.isn+1, nil, bytes.Repeat([]byte("abc"), 1000))
	if err := t.Inject(super, engine.GSO{Type: engine.GSOTCPv4, Size: 1000}); err != nil {
		return err
	}
	// For which the checksum is left to the stack, which takes it on trust.
	trust := segment(ack|psh, 3001, p.isn+1, nil, []byte("d"))
	trust[36], trust[37] = 0, 0
	if err := t.Inject(trust, engine.GSO{NeedsChecksum: true}); err != nil {
		return err
	}
	in := make([]byte, 5000)
	n, err := must(t, "read", num(p.fd), buf(in), num(5000))
	if err != nil {
		return err
	}
	emit(fmt.Appendf(nil, "read %d, last %q", n, in[n-1]))
	return nil
}

func TestInjectGSO(t *testing.T) {
	needKernel(t)
	if out, err := run(t, "gro"); out != "read 3001, last 'd'\n" || err != nil {
		t.Errorf("%s %v", out, err)
	}
}

func blockingAcceptJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureCopy)); err != nil {
		return err
	}
	fd, err := listen(t)
	if err != nil {
		return err
	}
	addr, size := make([]byte, 16), []byte{16, 0, 0, 0}
	accept := &engine.Call{Name: "accept", Args: []engine.Arg{num(fd), buf(addr), buf(size)}}
	begun := t.Now()
	pending := t.Begin(accept)
	if d := t.Now() - begun; d > 50*time.Millisecond {
		return fmt.Errorf("Begin took %v", d)
	}
	if pending.Wait(0) || pending.Wait(t.Now()+5*time.Millisecond) {
		return fmt.Errorf("accept returned already")
	}
	// A second one beside it, which doesn't block.
	second := t.Begin(&engine.Call{Name: "getsockname", Args: []engine.Arg{num(fd), buf(addr), buf(size)}})
	if r, _ := second.Result(); !second.Wait(t.Now()+time.Second) || r.Ret != 0 {
		return fmt.Errorf("getsockname: %+v", r)
	}
	if err := t.Inject(segment(syn, 0, 0, nil, nil), engine.GSO{}); err != nil {
		return err
	}
	c, err := next(t)
	if err != nil {
		return err
	}
	isn := uint32(c.Data[24])<<24 | uint32(c.Data[25])<<16 | uint32(c.Data[26])<<8 | uint32(c.Data[27])
	before := t.Now()
	if err := t.Inject(segment(ack, 1, isn+1, nil, nil), engine.GSO{}); err != nil {
		return err
	}
	if !pending.Wait(t.Now() + time.Second) {
		return fmt.Errorf("accept didn't return")
	}
	r, end := pending.Result()
	if end < before || end > t.Now() {
		return fmt.Errorf("accept returned at %v", end)
	}
	emit(fmt.Appendf(nil, "accept = %d, from port %d", min(r.Ret, 1), int(addr[2])<<8|int(addr[3])))
	// The thread can be used again.
	again := t.Begin(&engine.Call{Name: "close", Args: []engine.Arg{num(r.Ret)}})
	again.Wait(engine.Forever)
	r, _ = again.Result()
	emit(fmt.Appendf(nil, "close = %d, %d threads", r.Ret, len(t.callers)))
	return nil
}

func TestBlockingAccept(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		want := "accept = 1, from port 4000\nclose = 0, 2 threads\n"
		if out, err := run(t, "accept"); out != want || err != nil {
			t.Errorf("%s %v", out, err)
		}
	})
}

func congestionJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureCopy)); err != nil {
		return err
	}
	t.SetCongestionControl(arg)
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	for _, fd := range []int64{fd, p.fd} {
		name, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		if err != nil {
			return err
		}
		emit([]byte(name))
	}
	// It is TCP's alone.
	_, err = must(t, "socket", num(unix.AF_INET), num(unix.SOCK_DGRAM), num(0))
	return err
}

func TestCongestionControl(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(string(b)) {
			if out, err := run(t, "congestion "+name); out != name+"\n"+name+"\n" || err != nil {
				t.Errorf("%s: %q, %v", name, out, err)
			}
		}
		if out, err := run(t, "congestion nonesuch"); err == nil || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("nonesuch: %q, %v", out, err)
		}
	})
}

func countersJob(t *Target, arg string, emit func([]byte)) error {
	n := net4(engine.CaptureCopy)
	n.MTU, n.Speed = 1300, 100
	if err := t.Configure(n); err != nil {
		return err
	}
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	if _, err := must(t, "write", num(p.fd), buf(make([]byte, 100)), num(100)); err != nil {
		return err
	}
	for range 2 {
		c, err := t.Counters()
		if err != nil {
			return err
		}
		emit(fmt.Appendf(nil, "%+v", c))
	}
	return nil
}

func TestCounters(t *testing.T) {
	needKernel(t)
	want := strings.Repeat("{TxDropped:0 CaptureDropped:0 RxDropped:0}\n", 2)
	if out, err := run(t, "counters"); out != want || err != nil {
		t.Errorf("%s %v", out, err)
	}
}

func ipv6Job(t *Target, arg string, emit func([]byte)) error {
	n := net6
	n.AnyIP = arg == "anyip"
	if err := t.Configure(n); err != nil {
		return err
	}
	fd, err := must(t, "socket", num(unix.AF_INET6), num(unix.SOCK_STREAM|unix.SOCK_NONBLOCK), num(0))
	if err != nil {
		return err
	}
	to := make([]byte, 28)
	to[0], to[2], to[3] = unix.AF_INET6, 8080>>8, 8080&0xff
	copy(to[8:], n.RemoteIP.AsSlice())
	r := t.Call(&engine.Call{Name: "connect", Args: []engine.Arg{num(fd), buf(to), num(28)}})
	emit(fmt.Appendf(nil, "connect = %d, errno %d", r.Ret, r.Errno))
	c, err := next(t)
	if err != nil {
		return err
	}
	emit(fmt.Appendf(nil, "version %d, SYN %v", c.Data[0]>>4, c.Data[40+13] == syn))
	return nil
}

func TestIPv6(t *testing.T) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("no IPv6 here")
	}
	everywhere(t, func(t *testing.T) {
		want := fmt.Sprintf("connect = -1, errno %d\nversion 6, SYN true\n", unix.EINPROGRESS)
		if out, err := run(t, "ipv6"); out != want || err != nil {
			t.Errorf("%s %v", out, err)
		}
	})
}
