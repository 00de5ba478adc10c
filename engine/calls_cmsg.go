package engine

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Control messages (cmsg(3)): encoding those of a script, and comparing them
// with those that came, in order.

// A cmsg is a control message, of the script or live.
type cmsg struct {
	level, typ int32
	data       []byte
	node       script.Cmsg // of the script's
	stats      []stat      // of the script's, if its data is a list of attributes
}

// Sizes of struct cmsghdr and of the alignment of messages, 64-bit.
const (
	cmsgHeader = 16
	cmsgAlign  = 8
)

// encodeCmsgs lays out control messages with the space each takes.
func encodeCmsgs(list []cmsg) []byte {
	var p []byte
	for _, c := range list {
		p = le.AppendUint64(p, uint64(cmsgHeader+len(c.data)))
		p = le.AppendUint32(p, uint32(c.level))
		p = le.AppendUint32(p, uint32(c.typ))
		p = append(p, c.data...)
		for len(p)%cmsgAlign != 0 {
			p = append(p, 0)
		}
	}
	return p
}

// decodeCmsgs takes apart what a receive wrote.
func decodeCmsgs(p []byte) []cmsg {
	var list []cmsg
	for len(p) >= cmsgHeader {
		n := int(min(le.Uint64(p), uint64(len(p))))
		if n < cmsgHeader {
			break
		}
		list = append(list, cmsg{
			level: int32(le.Uint32(p[8:])),
			typ:   int32(le.Uint32(p[12:])),
			data:  p[cmsgHeader:n],
		})
		p = p[min((n+cmsgAlign-1)/cmsgAlign*cmsgAlign, len(p)):]
	}
	return list
}

// cmsg evaluates the i-th control message of a script.
func (b *callBuilder) cmsg(i int, e script.Expr, received bool) cmsg {
	node, ok := e.(script.Cmsg)
	if !ok {
		b.badType(e, "a cmsg", "cmsg")
		return cmsg{}
	}
	c := cmsg{node: node, level: b.int32(node.Level), typ: b.int32(node.Type)}
	switch data := node.Data.(type) {
	case script.Timestamping:
		c.data = encodeTimestamping(c, data)
	case script.SockExtendedErr:
		c.data = b.extendedErr(data, c.level)
	case script.List, script.Braces:
		elems, _ := elements(data)
		c.stats = b.stats(elems)
		c.data = encodeStats(c.stats)
	case script.String:
		c.data = b.str(data)
	case script.Sockaddr:
		c.data = encodeSockaddr(b.sockaddr(data))
	default:
		if !isNumber(data) {
			ours, _ := typeNames(data)
			b.failClassic(data, "Unrecognized type for cmsg_data",
				"got %s, want a number, a timestamp, a sock_extended_err, a list of attributes or a string", ours)
			return c
		}
		c.data = b.cmsgNumber(c, data, received)
	}
	return c
}

// cmsgNumber lays out a number: an int, unless the kernel has it otherwise.
func (b *callBuilder) cmsgNumber(c cmsg, e script.Expr, received bool) []byte {
	p := le.AppendUint64(nil, uint64(b.int64(e)))
	switch {
	case c.is(solSocket, scmTXTime):
		return p
	case c.is(solUDP, udpSegment):
		return p[:2]
	case received && c.is(solIP, ipTOS): // a byte, though sending takes either
		return p[:1]
	}
	b.int32(e) // for its range
	return p[:4]
}

// is reports whether c is of a level and type.
func (c cmsg) is(level, typ int32) bool { return c.level == level && c.typ == typ }

// compareCmsgs compares the control messages of a message, e, that came.
func (b *callBuilder) compareCmsgs(e script.Expr, what string, want, got []cmsg) []Mismatch {
	var diffs []Mismatch
	for i := range max(len(want), len(got)) {
		name := fmt.Sprintf("%scmsg %d", what, i)
		switch {
		case i >= len(got):
			diffs = append(diffs, Mismatch{
				What: name, Want: want[i].header(), Got: "no message", Node: want[i].node,
				Classic: fmt.Sprintf("received only %d cmsgs", len(got)),
			})
		case i >= len(want):
			diffs = append(diffs, Mismatch{
				What: name, Want: "no message", Got: b.cmsgText(got[i]), Node: e,
				Classic: fmt.Sprintf("received more than %d cmsgs", len(want)),
			})
		default:
			diffs = append(diffs, b.compareCmsg(name, i, want[i], got[i])...)
		}
	}
	return diffs
}

// compareCmsg compares one control message. Data of different kinds isn't
// compared any further.
func (b *callBuilder) compareCmsg(name string, i int, want, got cmsg) []Mismatch {
	if want.level != got.level || want.typ != got.typ {
		classic := fmt.Sprintf("Bad level in cmsg %d: expected=%d actual=%d", i, want.level, got.level)
		if want.level == got.level {
			classic = fmt.Sprintf("Bad type in cmsg %d: expected=%d actual=%d", i, want.typ, got.typ)
		}
		return []Mismatch{{What: name, Want: want.header(), Got: got.header(), Node: want.node, Classic: classic}}
	}
	if _, isStats := elements(want.node.Data); isStats {
		return b.compareStats(name, i, want, got)
	}
	if len(want.data) != len(got.data) {
		return []Mismatch{{
			What: name + " data", Want: fmt.Sprintf("%d bytes", len(want.data)),
			Got: fmt.Sprintf("%d bytes: %s", len(got.data), b.dataText(got)), Node: want.node,
			Classic: classicCmsgLen(i, want, got),
		}}
	}
	switch want.node.Data.(type) {
	case script.Timestamping:
		return b.compareTimestamping(name, i, want, got)
	case script.SockExtendedErr:
		return compareExtendedErr(name, i, want, got)
	}
	if bytes.Equal(want.data, got.data) {
		return nil
	}
	return []Mismatch{{
		What: name + " cmsg_data", Want: b.dataText(want), Got: b.dataText(got), Node: want.node.Data,
		Classic: fmt.Sprintf("Bad data in cmsg %d: expected=%s actual=%s", i, cString(want.data), cString(got.data)),
	}}
}

func classicCmsgLen(i int, want, got cmsg) string {
	return fmt.Sprintf("Bad len in cmsg %d: expected=%d actual=%d", i, cmsgHeader+len(want.data), cmsgHeader+len(got.data))
}

// cString returns p up to its first zero byte.
func cString(p []byte) string {
	text, _, _ := bytes.Cut(p, []byte{0})
	return string(text)
}

// cmsgTypes are the control messages that have names, by the names of their
// levels. Of equal numbers the first is used.
var cmsgTypes = map[string][]string{
	"SOL_SOCKET": {"SCM_TIMESTAMPING", "SCM_TIMESTAMPING_OPT_STATS", "SCM_TIMESTAMPNS", "SCM_TIMESTAMP",
		"SCM_TIMESTAMPING_PKTINFO", "SCM_TXTIME", "SCM_TS_OPT_ID", "SCM_INQ", "SO_RXQ_OVFL", "SO_MARK", "SCM_RIGHTS"},
	"SOL_IP":   {"IP_RECVERR", "IP_TOS", "IP_TTL", "IP_PKTINFO", "IP_RECVFRAGSIZE"},
	"SOL_IPV6": {"IPV6_RECVERR", "IPV6_TCLASS", "IPV6_HOPLIMIT", "IPV6_PKTINFO", "IPV6_RECVFRAGSIZE"},
	"SOL_TCP":  {"TCP_CM_INQ"},
	"SOL_UDP":  {"UDP_GRO", "UDP_SEGMENT"},
}

// header writes a message's level and type as a script has them.
func (c cmsg) header() string {
	for level, types := range cmsgTypes {
		if n, ok := linux.Value(level); ok && n == int64(c.level) {
			return fmt.Sprintf("cmsg_level=%s, cmsg_type=%s", level, nameOf(int64(c.typ), types))
		}
	}
	return fmt.Sprintf("cmsg_level=%d, cmsg_type=%d", c.level, c.typ)
}

// nameOf returns which of the names stands for v, or v in figures.
func nameOf(v int64, names []string) string {
	for _, name := range names {
		if n, ok := linux.Value(name); ok && n == v {
			return name
		}
	}
	return fmt.Sprint(v)
}

// cmsgText writes a message as a script has it.
func (b *callBuilder) cmsgText(c cmsg) string {
	return "{" + c.header() + ", cmsg_data=" + b.dataText(c) + "}"
}

// dataText writes a message's data, by what its type says it is.
func (b *callBuilder) dataText(c cmsg) string {
	switch {
	case c.isError() && len(c.data) >= extendedErrLen:
		return decodeExtendedErr(c.data).String()
	case c.is(solSocket, scmTimestamping) && len(c.data) == timestampingLen:
		return b.timeText(liveTimespec(c.data))
	case c.is(solSocket, scmTimestampingStats):
		return statsText(decodeStats(c.data))
	case len(c.data) == 1:
		return fmt.Sprint(c.data[0])
	case len(c.data) == 2:
		return fmt.Sprint(le.Uint16(c.data))
	case len(c.data) == 4:
		return fmt.Sprint(int32(le.Uint32(c.data)))
	case len(c.data) == 8:
		return fmt.Sprint(le.Uint64(c.data))
	}
	return bytesText(c.data, false)
}

// Timestamps: struct scm_timestamping is three timespecs, of which the first
// is the software timestamp. Elsewhere it is a single one, or a timeval.

const timestampingLen = 48

func encodeTimestamping(c cmsg, t script.Timestamping) []byte {
	p := make([]byte, timestampingLen)
	le.PutUint64(p, uint64(t.Sec.Value))
	le.PutUint64(p[8:], uint64(t.Nsec.Value))
	switch {
	case c.is(solSocket, scmTimestampns):
		return p[:16]
	case c.is(solSocket, scmTimestamp):
		le.PutUint64(p[8:], uint64(t.Nsec.Value/1000))
		return p[:16]
	}
	return p
}

// compareTimestamping compares a time of the script, if it isn't 0, with the
// live one, to within the absolute tolerance.
func (b *callBuilder) compareTimestamping(name string, i int, want, got cmsg) []Mismatch {
	t := want.node.Data.(script.Timestamping)
	if t.Sec.Value == 0 && t.Nsec.Value == 0 {
		return nil
	}
	tolerance := b.s.cfg.Tolerance
	wanted := time.Duration(t.Sec.Value)*time.Second + time.Duration(t.Nsec.Value)
	live := liveTimespec(got.data)
	if got.is(solSocket, scmTimestamp) { // a timeval
		live = time.Duration(le.Uint64(got.data))*time.Second + time.Duration(le.Uint64(got.data[8:]))*time.Microsecond
	}
	start := b.s.target.Wall(b.s.start)
	if diff := (live - start - wanted) / time.Microsecond * time.Microsecond; max(diff, -diff) <= tolerance {
		return nil
	}
	return []Mismatch{{
		What: name + " cmsg_data",
		Want: fmt.Sprintf("%s ± %v", timestampText(wanted), tolerance),
		Got:  b.timeText(live), Node: want.node.Data,
		Classic: fmt.Sprintf("Bad timestamp 0 in scm_timestamping %d: expected=%d (%d) actual=%d (%d) start=%d", i,
			(start + wanted).Microseconds(), wanted.Microseconds(),
			live.Microseconds(), (live - start).Microseconds(), start.Microseconds()),
	}}
}

func liveTimespec(p []byte) time.Duration {
	return time.Duration(le.Uint64(p))*time.Second + time.Duration(le.Uint64(p[8:]))
}

// timeText writes a live wall-clock time as a script's.
func (b *callBuilder) timeText(live time.Duration) string {
	if live == 0 {
		return "no timestamp"
	}
	t := live - b.s.target.Wall(b.s.start)
	if t < 0 {
		return fmt.Sprintf("%v before the script's start", -t)
	}
	return timestampText(t)
}

func timestampText(t time.Duration) string {
	return fmt.Sprintf("{scm_sec=%d, scm_nsec=%d}", t/time.Second, t%time.Second)
}

// isError tells a message with a struct sock_extended_err.
func (c cmsg) isError() bool {
	return c.is(solIP, ipRecverr) || c.is(solIPv6, ipv6Recverr)
}

// extendedErr is struct sock_extended_err.
type extendedErr struct {
	errno             uint32
	origin, typ, code uint8
	info, data        uint32
}

const extendedErrLen = 16

// extendedErr lays out a sock_extended_err with the sockaddr of the offender,
// which isn't compared, behind it.
func (b *callBuilder) extendedErr(e script.SockExtendedErr, level int32) []byte {
	n := extendedErrLen + 28 // struct sockaddr_in6
	if level == solIP {
		n = extendedErrLen + 16 // struct sockaddr_in
	}
	p := make([]byte, n)
	le.PutUint32(p, uint32(b.int32(e.Errno)))
	p[4], p[5], p[6] = b.uint8(e.Origin), b.uint8(e.Type), b.uint8(e.Code)
	le.PutUint32(p[8:], uint32(b.int32(e.Info)))
	le.PutUint32(p[12:], uint32(b.int32(e.Data)))
	return p
}

func decodeExtendedErr(p []byte) extendedErr {
	return extendedErr{
		errno:  le.Uint32(p),
		origin: p[4], typ: p[5], code: p[6],
		info: le.Uint32(p[8:]), data: le.Uint32(p[12:]),
	}
}

var errOrigins = []string{"SO_EE_ORIGIN_NONE", "SO_EE_ORIGIN_LOCAL", "SO_EE_ORIGIN_ICMP", "SO_EE_ORIGIN_ICMP6",
	"SO_EE_ORIGIN_TIMESTAMPING", "SO_EE_ORIGIN_ZEROCOPY", "SO_EE_ORIGIN_TXTIME"}

// fields writes the members in the order of the struct, by name where they have
// one: what code and info mean depends on the origin.
func (e extendedErr) fields() [6]string {
	f := [6]string{
		fmt.Sprint(e.errno), nameOf(int64(e.origin), errOrigins), fmt.Sprint(e.typ),
		fmt.Sprint(e.code), fmt.Sprint(e.info), fmt.Sprint(e.data),
	}
	if e.errno != 0 {
		f[0] = linux.ErrnoName(int(e.errno))
	}
	switch f[1] {
	case "SO_EE_ORIGIN_ZEROCOPY":
		f[3] = nameOf(int64(e.code), []string{"SO_EE_CODE_ZEROCOPY_COPIED"})
	case "SO_EE_ORIGIN_TIMESTAMPING":
		f[4] = nameOf(int64(e.info), []string{"SCM_TSTAMP_SND", "SCM_TSTAMP_SCHED", "SCM_TSTAMP_ACK", "SCM_TSTAMP_COMPLETION"})
	}
	return f
}

var extendedErrMembers = [6]string{"errno", "origin", "type", "code", "info", "data"}

func (e extendedErr) String() string {
	var parts []string
	for i, v := range e.fields() {
		parts = append(parts, "ee_"+extendedErrMembers[i]+"="+v)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (e extendedErr) numbers() [6]uint32 {
	return [6]uint32{e.errno, uint32(e.origin), uint32(e.typ), uint32(e.code), e.info, e.data}
}

func compareExtendedErr(name string, i int, wantMsg, gotMsg cmsg) []Mismatch {
	node := wantMsg.node.Data.(script.SockExtendedErr)
	nodes := [6]script.Expr{node.Errno, node.Origin, node.Type, node.Code, node.Info, node.Data}
	want, got := decodeExtendedErr(wantMsg.data), decodeExtendedErr(gotMsg.data)
	wantText, gotText := want.fields(), got.fields()
	var diffs []Mismatch
	for n, w := range want.numbers() {
		g := got.numbers()[n]
		if w == g {
			continue
		}
		diffs = append(diffs, Mismatch{
			What: name + " ee_" + extendedErrMembers[n], Want: wantText[n], Got: gotText[n], Node: nodes[n], Text: gotText[n],
			Classic: fmt.Sprintf("Bad %s in extended err %d: expected=%d actual=%d", extendedErrMembers[n], i, w, g),
		})
	}
	return diffs
}
