package engine

import (
	"errors"
	"fmt"
	"net/netip"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Which connection a packet belongs to, in the script and live, and the
// translation between the two. One socket at a time is under test, as in
// packetdrill: the last one made by socket() or by a SYN to a listener.

// Protocol numbers as sockets and IP headers have them.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// socketFor returns the socket that a packet of the script is about, making
// one for the first packet to a listener, or to a port where nobody is.
func (r *runner) socketFor(p *script.Packet, w *wire.Packet) (*socket, error) {
	s := r.calls.underTest
	switch {
	case p.TCP != nil:
		inbound := p.Direction == script.Inbound
		if inbound && (s == nil || s.state == socketPassiveListening || s.state == socketNew && !s.liveRemote.addr.IsValid()) {
			return r.acceptFrom(w), nil
		}
		if !inbound && s != nil && s.state == socketActiveConnecting && isSYN(w.TCP()) {
			s.state = socketActiveSYNSent
			s.scriptLocal, s.scriptRemote = ends(w)
			s.scriptLocal.isn = w.TCP().Seq
			s.lastIn, s.lastOut = nil, nil // of a connection before this one
			return s, nil
		}
	case s == nil:
		return nil, fmt.Errorf("no matching socket for script packet")
	}
	if s == nil {
		return nil, fmt.Errorf("no matching socket for script packet")
	}
	icmp := p.ICMP != nil
	ok := false
	switch s.protocol {
	case protoTCP:
		ok = p.TCP != nil || icmp
	case protoUDP:
		ok = p.UDP != nil || icmp
	case protoICMP, protoICMPv6:
		ok = icmp
	}
	if p.Fragment != nil {
		ok = w.Fragment().Protocol == uint8(s.protocol)
	}
	// A packet between ports of its own is told to the socket under test.
	if !ok && (p.TCP != nil && p.TCP.Ports != nil || p.UDP != nil && p.UDP.Ports != nil) {
		ok = true
	}
	if !ok {
		return nil, fmt.Errorf("no matching socket for script packet")
	}
	return s, nil
}

// acceptFrom makes the socket that an injected SYN will bring about, at the
// address that the listener was bound to.
func (r *runner) acceptFrom(w *wire.Packet) *socket {
	family := linux.MustValue("AF_INET")
	if w.V6() != nil {
		family = linux.MustValue("AF_INET6")
	}
	s := &socket{
		state:    socketPassivePacketReceived,
		family:   int(family),
		protocol: protoTCP,
		tsVal:    map[uint32]uint32{},
	}
	s.scriptRemote, s.scriptLocal = ends(w)
	s.scriptRemote.isn = w.TCP().Seq
	s.liveRemote = end{addr: netip.AddrPortFrom(r.cfg.Net.RemoteIP, r.ephemeralPort()), isn: w.TCP().Seq}
	s.liveLocal.addr = netip.AddrPortFrom(r.cfg.Net.LocalIP, uint16(r.cfg.BindPort))
	if l := r.calls.underTest; l != nil && l.liveLocal.addr.Port() != 0 {
		s.liveLocal.addr = l.liveLocal.addr
		if a := s.liveLocal.addr.Addr(); a.IsUnspecified() || a.Is4() != r.cfg.Net.LocalIP.Is4() {
			s.liveLocal.addr = netip.AddrPortFrom(r.cfg.Net.LocalIP, s.liveLocal.addr.Port())
		}
	}
	s.fd = &fd{kind: fdSocket, script: -1, live: -1, socket: s}
	r.calls.fds = append(r.calls.fds, s.fd)
	r.calls.sockets = append(r.calls.sockets, s)
	r.calls.underTest = s
	return s
}

// ephemeralPort returns a new remote port, from the range that clients use.
func (r *runner) ephemeralPort() uint16 {
	if r.nextPort == 0 {
		r.nextPort = 35000
	}
	r.nextPort++
	return r.nextPort
}

func isSYN(t *wire.TCP) bool {
	return t != nil && t.Flags&(wire.SYN|wire.ACK) == wire.SYN
}

// ends returns where a packet is from and where it goes.
func ends(w *wire.Packet) (src, dst end) {
	a, b := w.IP()
	var sport, dport uint16
	if t := w.TCP(); t != nil {
		sport, dport = t.SrcPort, t.DstPort
	} else if u := w.UDP(); u != nil {
		sport, dport = u.SrcPort, u.DstPort
	}
	return end{addr: netip.AddrPortFrom(a, sport)}, end{addr: netip.AddrPortFrom(b, dport)}
}

// sentBy reports whether a captured packet was sent by the socket, learning a
// connecting socket's own address and sequence number from its first packet.
func (r *runner) sentBy(s *socket, w *wire.Packet) bool {
	if s == nil {
		return false
	}
	src, dst := ends(w)
	icmp := w.ICMP()
	isICMP := icmp != nil && (s.protocol == protoICMP && !icmp.V6 || s.protocol == protoICMPv6 && icmp.V6)
	first := false
	switch {
	case isICMP:
		first = s.state == socketActiveConnecting && dst.addr.Addr() == s.liveRemote.addr.Addr()
	case s.protocol == protoUDP && w.UDP() != nil:
		first = s.state == socketActiveConnecting && dst.addr == s.liveRemote.addr
	case s.protocol == protoTCP && isSYN(w.TCP()):
		// From another port it is another socket's, and the one that counts from now on; from
		// the same one it is sent again, and must have the same number.
		first = s.state == socketActiveSYNSent && dst.addr == s.liveRemote.addr && (s.lastOut == nil || src.addr != s.liveLocal.addr)
	}
	if first {
		s.liveLocal.addr = src.addr
		if t := w.TCP(); t != nil {
			s.liveLocal.isn = t.Seq
		}
		return true
	}
	if isICMP || isPortless(s, w) {
		return src.addr.Addr() == s.liveLocal.addr.Addr() && dst.addr.Addr() == s.liveRemote.addr.Addr()
	}
	return src.addr == s.liveLocal.addr && dst.addr == s.liveRemote.addr
}

// isPortless reports whether a packet is a fragment of what a socket's protocol sends that
// doesn't say of which ports it is.
func isPortless(s *socket, w *wire.Packet) bool {
	f := w.Fragment()
	return f != nil && int(f.Protocol) == s.protocol && w.TCP() == nil && w.UDP() == nil
}

// toLive turns a packet in script numbers into the one to inject.
func (r *runner) toLive(s *socket, w *wire.Packet) error {
	from, to := s.liveRemote.addr, s.liveLocal.addr
	setEnds(w, from, to)
	if w.ICMP() != nil {
		q := w.Quoted()
		if q == nil {
			return nil
		}
		// What it quotes went the other way.
		q.SetTuple(to, from)
		q.SetSeq(q.Seq - s.localOffset(false))
		return nil
	}
	t := w.TCP()
	if t == nil {
		return nil
	}
	syn := t.Flags&wire.SYN != 0
	t.Seq -= s.remoteOffset(syn)
	ack := s.localOffset(syn)
	if t.Flags&wire.ACK != 0 {
		t.Ack -= ack
	}
	shiftSACK(t, -ack)
	val, ecr, ok := t.Timestamp()
	if !ok || t.Flags&wire.ACK == 0 {
		return nil
	}
	// The echo must be of a value that the stack sent, the one that the
	// script's value stood for.
	live, ok := s.tsVal[ecr]
	switch {
	case ok:
	case r.cfg.TSECRScaled && s.tsKnown:
		live = ecr - s.tsFirstScript + s.tsFirstLive
	default:
		return fmt.Errorf("unable to infer live TS ecr for script TS ecr %d;  no matching or preceding outbound TS val", ecr)
	}
	t.SetTimestamp(val, live)
	return nil
}

// setEnds sets the addresses of a packet's innermost headers, and the ports
// that the script didn't choose itself.
func setEnds(w *wire.Packet, src, dst netip.AddrPort) {
	w.SetIP(src.Addr(), dst.Addr())
	var sport, dport *uint16
	if t := w.TCP(); t != nil {
		sport, dport = &t.SrcPort, &t.DstPort
	} else if u := w.UDP(); u != nil {
		sport, dport = &u.SrcPort, &u.DstPort
	} else {
		return
	}
	if *sport == 0 {
		*sport = src.Port()
	}
	if *dport == 0 {
		*dport = dst.Port()
	}
}

func shiftSACK(t *wire.TCP, by uint32) {
	blocks := t.SACKBlocks()
	if len(blocks) == 0 {
		return
	}
	for i := range blocks {
		blocks[i].Left += by
		blocks[i].Right += by
	}
	t.SetSACKBlocks(blocks)
}

// toScript turns a captured packet's sequence numbers and timestamp into the
// script's.
func toScript(s *socket, w *wire.Packet) {
	t := w.TCP()
	if t == nil {
		return
	}
	syn := t.Flags&wire.SYN != 0
	t.Seq += s.localOffset(syn)
	ack := s.remoteOffset(syn)
	if t.Flags&wire.ACK != 0 {
		t.Ack += ack
	}
	shiftSACK(t, ack)
	if val, ecr, ok := t.Timestamp(); ok {
		t.SetTimestamp(s.scriptTS(val), ecr)
	}
}

// asOther turns the numbers of a packet that isn't of the socket under test into
// those of the script's socket that it is of. If it is of none, they count from
// the first that was seen: live numbers would say nothing, and differ from run
// to run.
func (r *runner) asOther(live *wire.Packet) *wire.Packet {
	w := live.Clone()
	t := w.TCP()
	if t == nil {
		return w
	}
	src, dst := ends(w)
	key := [2]netip.AddrPort{src.addr, dst.addr}
	for _, s := range r.calls.sockets {
		if s.protocol == protoTCP && key == [2]netip.AddrPort{s.liveLocal.addr, s.liveRemote.addr} {
			toScript(s, w)
			return w
		}
	}
	s := r.strangers[key]
	if s == nil {
		s = &socket{liveLocal: end{isn: t.Seq - 1}}
		if t.Flags&wire.SYN != 0 {
			s.liveLocal.isn = t.Seq
		}
		if r.strangers == nil {
			r.strangers = map[[2]netip.AddrPort]*socket{}
		}
		r.strangers[key] = s
	}
	toScript(s, w)
	return w
}

// learnTimestamp notes which live value a script's TS val stands for, and puts
// the script's view of the value into the packet.
func learnTimestamp(s *socket, want, got, live *wire.TCP) {
	wantVal, _, ok := want.Timestamp()
	if !ok {
		return
	}
	gotVal, gotECR, ok := live.Timestamp()
	if !ok {
		return
	}
	s.tsVal[wantVal] = gotVal
	if !s.tsKnown {
		s.tsKnown, s.tsFirstScript, s.tsFirstLive = true, wantVal, gotVal
	}
	got.SetTimestamp(s.scriptTS(gotVal), gotECR)
}

// inject gives the stack the packet of the event at hand.
func (r *runner) inject(p *script.Packet) {
	w := r.built[r.event].Clone()
	s, err := r.socketFor(p, w)
	if err != nil {
		r.failPacket(p, err.Error())
		return
	}
	// To make a packet takes up to a tenth of a millisecond when the processor has slept:
	// that is done before its time, unless something may happen until then that it depends on.
	var in injection
	early := !r.failed && r.blocking == nil
	if early {
		in, err = r.prepare(p, s, w)
	}
	if !r.wait("inbound packet") {
		return
	}
	if !early {
		r.untilSent(s, w.TCP())
		in, err = r.prepare(p, s, w)
	}
	if err != nil {
		r.failPacket(p, err.Error())
		return
	}
	if t := w.TCP(); t != nil && p.BadSum == nil {
		s.lastIn, s.lastInPayloadLen = t, len(w.Payload)
		s.negotiate(t)
	}
	before := r.target.Now()
	err = r.target.Inject(in.data, in.gso)
	e := r.noteAt(EntryInject, before-r.start, "")
	e.packet, e.clauses = r.built[r.event], in.clauses
	kept := r.keep(Packet{At: before - r.start, Inbound: true, Data: in.data, GSO: in.gso, Kind: EntryInject})
	r.keepNote(kept, EntryInject, r.event.Pos.Line)
	if err != nil {
		f := r.failure(linkVerdict(err), r.event.Pos, "packet not injected: "+err.Error())
		f.Classic = "error handling packet: " + err.Error()
		r.fail(f)
		return
	}
	took := r.did(before - r.start)
	r.out.Lateness.MaxReturn = max(r.out.Lateness.MaxReturn, took)
	r.heldUp(took)
}

// An injection is a packet as the stack is to get it.
type injection struct {
	data    []byte
	gso     GSO
	clauses string // for the timeline
}

// prepare makes a packet to inject in the numbers of its connection, whose handshake it
// takes further.
func (r *runner) prepare(p *script.Packet, s *socket, w *wire.Packet) (injection, error) {
	if t := w.TCP(); t != nil && t.Flags&wire.ACK != 0 {
		switch {
		case s.state == socketPassiveSYNACKSent:
			s.state = socketPassiveSYNACKAcked
		case s.state == socketActiveSYNSent && t.Flags&wire.SYN != 0:
			s.state = socketActiveSYNAcked
			s.scriptRemote.isn, s.liveRemote.isn = t.Seq, t.Seq
		}
	}
	if r.cfg.AnyIP && (p.UDP != nil || p.ICMP != nil) || p.UDP != nil && !s.liveRemote.addr.IsValid() {
		r.anyAddress(s)
	}
	if !s.speaks(w) {
		return injection{}, errors.New("there is no connection yet that the packet could be of, or it is of another IP version")
	}
	if err := r.toLive(s, w); err != nil {
		return injection{}, err
	}
	b, err := w.Marshal(wire.MarshalOptions{})
	if err != nil {
		return injection{}, err
	}
	gso := r.joined(p, w)
	switch {
	case p.BadSum != nil:
		wire.BreakChecksum(b)
	case gso.NeedsChecksum:
		wire.LeaveChecksum(b)
	case !wire.ChecksumOK(b):
		return injection{}, errors.New("the harness itself made a packet with a wrong checksum")
	}
	in := injection{data: b, gso: gso}
	if n := p.GSO(); n != nil {
		in.clauses = " gso " + n.String()
	}
	if p.BadSum != nil {
		in.clauses += " badsum"
	}
	return in, nil
}

// joined says of how many segments a packet to inject was made: as its line says, or as
// the option --mss does of all.
//
// Those of a line come as GRO delivers them (tcp_gro_complete), with a checksum that
// was checked before. Those of the option come as packetdrill injects them, with a
// checksum to check; and so do those whose checksum is to be found wrong.
func (r *runner) joined(p *script.Packet, w *wire.Packet) GSO {
	var gso GSO
	switch n := p.GSO(); {
	case n != nil:
		gso.Size, gso.NeedsChecksum = int(n.Value), p.BadSum == nil
	case r.cfg.MSS > 0 && w.TCP() != nil:
		gso.Size = r.cfg.MSS
	default:
		return GSO{}
	}
	switch {
	case w.UDP() != nil:
		gso.Type = GSOUDP
	case w.V6() != nil:
		gso.Type = GSOTCPv6
	default:
		gso.Type = GSOTCPv4
	}
	return gso
}

// speaks reports whether the socket's addresses are known and of the packet's IP
// version.
func (s *socket) speaks(w *wire.Packet) bool {
	local, remote := s.liveLocal.addr.Addr(), s.liveRemote.addr.Addr()
	if w.V6() != nil {
		return local.Is6() && remote.Is6()
	}
	return local.Is4() && remote.Is4()
}

// anyAddress gives a socket that never sent anything its addresses.
func (r *runner) anyAddress(s *socket) {
	port := func(a netip.AddrPort, def int) uint16 {
		if a.Port() != 0 {
			return a.Port()
		}
		return uint16(def)
	}
	s.liveRemote.addr = netip.AddrPortFrom(r.cfg.Net.RemoteIP, port(s.liveRemote.addr, r.cfg.ConnectPort))
	s.liveLocal.addr = netip.AddrPortFrom(r.cfg.Net.LocalIP, port(s.liveLocal.addr, r.cfg.BindPort))
}

// failPacket records that a script's packet makes no sense where it stands.
func (r *runner) failPacket(p *script.Packet, msg string) {
	f := r.failure(Error, p.Pos, msg)
	f.Classic = "error handling packet: " + msg
	r.fail(f)
}

// failLink records that the link failed, or that the target can't do what it was asked.
func (r *runner) failLink(p *script.Packet, err error) {
	f := r.failure(linkVerdict(err), p.Pos, err.Error())
	f.Classic = "error handling packet: " + err.Error()
	r.over = true
	r.fail(f)
}

// linkVerdict is what an error of the link makes of a run.
func linkVerdict(err error) Verdict {
	var unsupported *UnsupportedError
	if asUnsupported(err, &unsupported) {
		return Unsupported
	}
	if _, died := errors.AsType[*DiedError](err); died {
		return Fail
	}
	return Error
}

// reset closes what the script left open and ends each connection with a RST
// that the stack will accept, so that it forgets it.
func (r *runner) reset() {
	for i := len(r.calls.fds) - 1; i >= 0; i-- {
		f := r.calls.fds[i]
		if !f.closed && f.live >= 0 {
			f.closed = true
			r.target.Call(&Call{Name: "close", Args: []Arg{{Int: int64(f.live)}}})
		}
		s := f.socket
		if s == nil || s.protocol != protoTCP || s.liveLocal.addr.Port() == 0 || s.liveRemote.addr.Port() == 0 {
			continue
		}
		if b, err := rst(s).Marshal(wire.MarshalOptions{}); err == nil {
			// The run is over: a stack that won't take it has lost nothing.
			_ = r.target.Inject(b, GSO{})
		}
	}
}

// rst makes a RST for a socket: with the sequence number after the last
// injected segment, or what the stack acknowledged, or to its bare SYN.
func rst(s *socket) *wire.Packet {
	t := &wire.TCP{
		SrcPort: s.liveRemote.addr.Port(), DstPort: s.liveLocal.addr.Port(),
		Flags: wire.RST | wire.ACK,
	}
	switch in, out := s.lastIn, s.lastOut; {
	case in != nil && in.Flags&wire.ACK != 0:
		t.Seq = in.Seq + uint32(s.lastInPayloadLen)
		if in.Flags&wire.SYN != 0 {
			t.Seq++
		}
		if in.Flags&wire.FIN != 0 {
			t.Seq++
		}
		t.Ack, t.Window = in.Ack, in.Window
	case out != nil && out.Flags&wire.ACK != 0:
		t.Seq, t.Ack = out.Ack, out.Seq
	case out != nil:
		t.Ack = out.Seq + 1
	}
	src, dst := s.liveRemote.addr.Addr(), s.liveLocal.addr.Addr()
	var ip wire.Layer = &wire.IPv4{TTL: 255, DF: true, Src: src, Dst: dst}
	if src.Is6() {
		ip = &wire.IPv6{HopLimit: 255, Src: src, Dst: dst}
	}
	return &wire.Packet{Layers: []wire.Layer{ip, t}}
}
