package kernel

import (
	"context"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/tun"
)

// A Target is the stack of this process's network namespace, which it changes
// without putting anything back. All methods belong to one goroutine.
type Target struct {
	link
	host
	stop       event
	callers    []*caller
	caps       caps
	congestion string
}

// New makes the target as far as it can be made without knowing the script:
// device, capture, threads. Nothing is sent or captured yet.
func New() (*Target, error) {
	t := &Target{}
	captured := make(chan error, 1)
	go func() { // it waits for the kernel, longer than all the rest takes
		var err error
		t.capture, err = tun.NewCapture(true)
		captured <- err
	}()
	err := t.init()
	if err != nil {
		return nil, err
	}
	if t.stall.over, err = newEvent(); err != nil {
		return nil, err
	}
	t.device, err = tun.Open(tun.Config{Name: Device, VnetHdr: true})
	if err != nil {
		return nil, err
	}
	err = errors.Join(t.device.Quiet(), tun.LoopbackUp())
	if err = errors.Join(err, <-captured); err != nil {
		t.Close()
		return nil, err
	}
	if t.virtual {
		quietRuntime()
	}
	return t, nil
}

// init makes all but device and capture.
func (t *Target) init() error {
	lockMemory()
	t.host.setCongestion = t.SetCongestionControl
	var err error
	if t.clock, err = newClock(); err != nil {
		return err
	}
	t.host.before = &t.clock.before
	if t.stop, err = newEvent(); err != nil {
		return err
	}
	c, err := newCaller(t)
	if err != nil {
		return err
	}
	t.callers = append(t.callers, c)
	return nil
}

// Configure sets the network up as a script wants it. From here on everything
// that the stack sends is captured.
func (t *Target) Configure(n engine.NetConfig) error {
	if err := n.Check(); err != nil {
		return err
	}
	if n.Capture == engine.CapturePacket {
		// Clones stay in the device's queue for ever, as an ordinary packet
		// socket would hold them until it is read. packetdrill takes one out
		// for each packet it sniffs, and so holds as many as were sent before
		// it began to sniff: by chance. Its queue has 500 places; ours has
		// more, and says when it overflows.
		t.pinned = true
	}
	if n.USO && t.device.TakeUSO() != nil {
		return &engine.UnsupportedError{What: "UDP segmentation offload"}
	}
	if err := t.capture.Bind(t.device); err != nil {
		return err
	}
	if !t.pinned {
		go t.drainAlways(t.stop)
	}
	t.fds = []unix.PollFd{{Fd: int32(t.capture.FD()), Events: unix.POLLIN}}
	c := tun.LinkConfig{
		Route:      n.RemotePrefix,
		MTU:        n.MTU,
		Speed:      n.Speed,
		TxQueueLen: tun.DefaultTxQueueLen,
	}
	if !n.AnyIP {
		c.Addr = netip.PrefixFrom(n.LocalIP, n.LocalPrefix)
		c.Via = n.GatewayIP
	}
	t.reasoner = newReasoner()
	err := t.device.Up(c)
	t.busyUntil = t.Now() + settleTime
	return err
}

// Exec implements engine.Executor.
func (t *Target) Exec(ctx context.Context, c *engine.ExecCommand) (int, error) {
	exit, err := t.host.Exec(ctx, c)
	t.catchUp(t.clock.read())
	if t.book != nil {
		t.book.Void() // it may be anything
		t.stale = true
		t.look()
	}
	return exit, err
}

// Name implements engine.Target.
func (t *Target) Name() string { return "kernel" }

// SetCongestionControl gives the sockets that are made from now on this
// congestion control; "" leaves them the namespace's. It stands in for the
// sysctl tcp_congestion_control, which refuses in a namespace what the host
// doesn't allow everybody; setsockopt(TCP_CONGESTION) asks for CAP_NET_ADMIN
// in the namespace only.
func (t *Target) SetCongestionControl(name string) { t.congestion = name }

// CongestionControl returns what SetCongestionControl was last given.
func (t *Target) CongestionControl() string { return t.congestion }

// Close removes the device. A worker needn't: it goes with the process.
func (t *Target) Close() error {
	t.stop.set()
	err := t.device.Close()
	if t.capture != nil {
		err = errors.Join(err, t.capture.Close())
	}
	return err
}
