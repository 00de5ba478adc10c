package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tcpdrill/engine"
)

// A link is the device that the stack sends through: it stamps what is sent and loses
// nothing, unless a script stalls its reader. The processor's goroutine sends, too.
type link struct {
	clock *clock

	mu         sync.Mutex
	dispatcher stack.NetworkDispatcher
	mtu        uint32
	gso        bool // the stack may hand over super-segments
	gsoMaxSize uint32
	sent       []*engine.Captured

	stalled bool               // its reader doesn't read
	txqlen  int                // of its queue then
	queue   []*engine.Captured // what waits there
	dropped uint64             // what found no room
}

var (
	_ stack.LinkEndpoint = (*link)(nil)
	_ stack.GSOEndpoint  = (*link)(nil)
)

// inject hands a packet to the stack.
func (l *link) inject(p []byte) {
	protocol := tcpip.NetworkProtocolNumber(header.IPv4ProtocolNumber)
	if header.IPVersion(p) == header.IPv6Version {
		protocol = header.IPv6ProtocolNumber
	}
	l.mu.Lock()
	d := l.dispatcher
	l.mu.Unlock()
	if d == nil {
		return
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
	d.DeliverNetworkPacket(protocol, pkt)
	pkt.DecRef()
}

// take returns the oldest packet that was sent, nil if there is none.
func (l *link) take() *engine.Captured {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 {
		return nil
	}
	c := l.sent[0]
	l.sent = l.sent[1:]
	return c
}

// WritePackets implements stack.LinkWriter.
func (l *link) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	now := l.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := pkts.AsSlice()
	for _, pkt := range list {
		c := &engine.Captured{Data: make([]byte, 0, pkt.Size()), Time: now}
		for _, b := range pkt.AsSlices() {
			c.Data = append(c.Data, b...)
		}
		c.GSO = gsoOf(pkt, len(c.Data))
		switch {
		case !l.stalled:
			l.sent = append(l.sent, c)
		case len(l.queue) < l.txqlen:
			l.queue = append(l.queue, c)
		default:
			l.dropped++
		}
	}
	return len(list), nil
}

// setQueue sets the length of the queue. What finds no room there any more is lost.
func (l *link) setQueue(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.txqlen = n
	l.queue = l.queue[:min(len(l.queue), n)]
}

// stall stops the reader.
func (l *link) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = true
}

// resume lets it go on, and have what waits.
func (l *link) resume() {
	now := l.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.queue {
		c.Time = now
	}
	l.sent = append(l.sent, l.queue...)
	l.stalled, l.queue = false, nil
}

// gsoOf says what a virtio-net header would say of a packet of so many bytes. The stack
// gives each segment of a connection its GSO properties; it is a super-segment only if
// it is longer than one.
func gsoOf(pkt *stack.PacketBuffer, size int) engine.GSO {
	o := &pkt.GSOOptions
	g := engine.GSO{NeedsChecksum: o.NeedsCsum}
	headers := int(o.L3HdrLen) + len(pkt.TransportHeader().Slice())
	if size-headers <= int(o.MSS) {
		return g
	}
	switch o.Type {
	case stack.GSOTCPv4:
		g.Type, g.Size = engine.GSOTCPv4, int(o.MSS)
	case stack.GSOTCPv6:
		g.Type, g.Size = engine.GSOTCPv6, int(o.MSS)
	}
	return g
}

// MTU implements stack.NetworkLinkEndpoint.
func (l *link) MTU() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mtu
}

// SetMTU implements stack.NetworkLinkEndpoint.
func (l *link) SetMTU(mtu uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mtu = mtu
}

// GSOMaxSize implements stack.GSOEndpoint.
func (l *link) GSOMaxSize() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gsoMaxSize
}

// SupportedGSO implements stack.GSOEndpoint.
func (l *link) SupportedGSO() stack.SupportedGSO {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gso {
		return stack.HostGSOSupported
	}
	return stack.GSONotSupported
}

// MaxHeaderLength implements stack.NetworkLinkEndpoint.
func (*link) MaxHeaderLength() uint16 { return 0 }

// LinkAddress implements stack.NetworkLinkEndpoint.
func (*link) LinkAddress() tcpip.LinkAddress { return "" }

// SetLinkAddress implements stack.NetworkLinkEndpoint.
func (*link) SetLinkAddress(tcpip.LinkAddress) {}

// Capabilities implements stack.NetworkLinkEndpoint. There is nobody to resolve
// addresses of.
func (*link) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityNone }

// Attach implements stack.NetworkLinkEndpoint.
func (l *link) Attach(d stack.NetworkDispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatcher = d
}

// IsAttached implements stack.NetworkLinkEndpoint.
func (l *link) IsAttached() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dispatcher != nil
}

// Wait implements stack.NetworkLinkEndpoint.
func (*link) Wait() {}

// ARPHardwareType implements stack.NetworkLinkEndpoint.
func (*link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// AddHeader implements stack.NetworkLinkEndpoint.
func (*link) AddHeader(*stack.PacketBuffer) {}

// ParseHeader implements stack.NetworkLinkEndpoint.
func (*link) ParseHeader(*stack.PacketBuffer) bool { return true }

// Close implements stack.NetworkLinkEndpoint.
func (*link) Close() {}

// SetOnCloseAction implements stack.NetworkLinkEndpoint.
func (*link) SetOnCloseAction(func()) {}
