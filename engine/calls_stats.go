package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tcpdrill/script"
)

// The data of SCM_TIMESTAMPING_OPT_STATS: netlink attributes with TCP's
// statistics at the time of a timestamp, as the kernel's
// tcp_get_timestamping_opt_stats puts them together. A script lists them all, in
// order: cmsg_data=[TCP_NLA_BUSY=20000, TCP_NLA_SND_CWND=10, TCP_NLA_SRTT=...].

// A stat is one attribute.
type stat struct {
	typ  int
	size int // of its value, bytes
	// value is all ones in the low 32 bits (in the low 8, of a byte) where the
	// script has "...": that value can't be told from "...", nor can it in
	// packetdrill.
	value uint64
	node  script.Assign // of the script's
}

// statKinds are the attributes by their numbers (TCP_NLA_* of linux/tcp.h).
var statKinds = [...]struct {
	name string
	size int
	time bool // in microseconds, compared with tolerance
}{
	0:  {"PAD", 4, false},
	1:  {"BUSY", 8, true},
	2:  {"RWND_LIMITED", 8, true},
	3:  {"SNDBUF_LIMITED", 8, true},
	4:  {"DATA_SEGS_OUT", 8, false},
	5:  {"TOTAL_RETRANS", 8, false},
	6:  {"PACING_RATE", 8, false},
	7:  {"DELIVERY_RATE", 8, false},
	8:  {"SND_CWND", 4, false},
	9:  {"REORDERING", 4, false},
	10: {"MIN_RTT", 4, false},
	11: {"RECUR_RETRANS", 1, false},
	12: {"DELIVERY_RATE_APP_LMT", 1, false},
	13: {"SNDQ_SIZE", 4, false},
	14: {"CA_STATE", 1, false},
	15: {"SND_SSTHRESH", 4, false},
	16: {"DELIVERED", 4, false},
	17: {"DELIVERED_CE", 4, false},
	18: {"BYTES_SENT", 8, false},
	19: {"BYTES_RETRANS", 8, false},
	20: {"DSACK_DUPS", 4, false},
	21: {"REORD_SEEN", 4, false},
	22: {"SRTT", 4, false},
	23: {"TIMEOUT_REHASH", 2, false},
	24: {"BYTES_NOTSENT", 4, false},
	25: {"EDT", 8, false},
	26: {"TTL", 1, false},
	27: {"REHASH", 4, false},
}

func (s stat) name() string {
	if s.typ < len(statKinds) {
		return "TCP_NLA_" + statKinds[s.typ].name
	}
	return fmt.Sprintf("attribute %d", s.typ)
}

// ignored is a value of size bytes that stands for "...".
func ignored(size int) uint64 { return math.MaxUint32 & (1<<(8*min(size, 4)) - 1) }

// stats evaluates [TCP_NLA_BUSY=20000, …].
func (b *callBuilder) stats(elems []script.Expr) []stat {
	var list []stat
	for _, elem := range elems {
		a, ok := elem.(script.Assign)
		if !ok {
			b.badType(elem, "TCP_NLA_…=value", "binary_expression")
			return nil
		}
		typ := b.int64(a.Name)
		if typ < 0 || typ >= int64(len(statKinds)) {
			b.failClassic(a.Name, fmt.Sprintf("bad NLA type %d", typ), "got attribute %d, want a TCP_NLA_…", typ)
			return nil
		}
		s := stat{typ: int(typ), size: statKinds[typ].size, node: a}
		switch {
		case isEllipsis(a.Value):
			s.value = ignored(s.size)
		case !isNumber(a.Value):
			ours, _ := typeNames(a.Value)
			b.failClassic(a.Value, "values must be numeric or ellipsis", "got %s, want a number or ...", ours)
		default:
			v := b.int64(a.Value)
			if s.size < 8 {
				b.inRange(a.Value, v, 0, 1<<(8*s.size)-1, 8*s.size)
			}
			s.value = uint64(v)
		}
		list = append(list, s)
	}
	return list
}

// Sizes of struct nlattr and of the alignment of attributes.
const (
	nlaHeader = 4
	nlaAlign  = 4
)

func encodeStats(list []stat) []byte {
	var p []byte
	for _, s := range list {
		p = le.AppendUint16(p, uint16(nlaHeader+s.size))
		p = le.AppendUint16(p, uint16(s.typ))
		p = append(p, le.AppendUint64(nil, s.value)[:s.size]...)
		for len(p)%nlaAlign != 0 {
			p = append(p, 0)
		}
	}
	return p
}

// decodeStats takes apart what came, as far as it makes sense.
func decodeStats(p []byte) []stat {
	var list []stat
	for len(p) >= nlaHeader {
		n := int(le.Uint16(p))
		if n < nlaHeader || n > len(p) {
			break
		}
		var value [8]byte
		copy(value[:], p[nlaHeader:n])
		list = append(list, stat{typ: int(le.Uint16(p[2:])), size: n - nlaHeader, value: le.Uint64(value[:])})
		p = p[min((n+nlaAlign-1)/nlaAlign*nlaAlign, len(p)):]
	}
	return list
}

func statsText(list []stat) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, fmt.Sprintf("%s=%d", s.name(), s.value))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// compareStats compares the attributes' order and number, and the values of
// those that are in both.
func (b *callBuilder) compareStats(name string, i int, wantMsg, gotMsg cmsg) []Mismatch {
	want, got := wantMsg.stats, decodeStats(gotMsg.data)
	var diffs []Mismatch
	same := func(a, b stat) bool { return a.typ == b.typ && a.size == b.size }
	if len(wantMsg.data) != len(gotMsg.data) || !slices.EqualFunc(want, got, same) {
		missing, extra := statsWithout(want, got), statsWithout(got, want)
		d := Mismatch{
			What: name + " attributes", Want: fmt.Sprintf("%d", len(want)), Got: fmt.Sprintf("%d", len(got)),
			Node: wantMsg.node.Data, Classic: classicStats(i, wantMsg, gotMsg, got),
		}
		if missing != "" {
			d.Got += ", without " + missing
		}
		if extra != "" {
			d.Got += ", with " + extra
		}
		if missing == "" && extra == "" {
			d.Want, d.Got = statsOrder(want), statsOrder(got)
		}
		diffs = append(diffs, d)
	}
	for _, w := range want {
		k := slices.IndexFunc(got, func(g stat) bool { return same(w, g) })
		if k >= 0 && !b.sameStat(w, got[k].value) {
			diffs = append(diffs, Mismatch{
				What: name + " " + w.name(), Want: fmt.Sprint(w.value), Got: fmt.Sprint(got[k].value), Node: w.node.Value,
				Text:    fmt.Sprint(got[k].value),
				Classic: fmt.Sprintf("Bad %s: expected=%d actual=%d", w.name(), w.value, got[k].value),
			})
		}
	}
	return diffs
}

// sameStat compares a value. Times may differ by the tolerance, unless they are
// expected to be 0.
func (b *callBuilder) sameStat(want stat, got uint64) bool {
	switch {
	case want.value == ignored(want.size), want.value == got:
		return true
	case statKinds[want.typ].time && want.value != 0:
		diff := time.Duration(int64(want.value-got)) * time.Microsecond
		return max(diff, -diff) <= b.s.cfg.Tolerance
	}
	return false
}

// statsWithout lists the names of those in a that aren't in b.
func statsWithout(a, b []stat) string {
	var names []string
	for _, s := range a {
		if !slices.ContainsFunc(b, func(o stat) bool { return o.typ == s.typ }) {
			names = append(names, s.name())
		}
	}
	return strings.Join(names, ", ")
}

func statsOrder(list []stat) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = fmt.Sprintf("%s (%d bytes)", s.name(), s.size)
	}
	return strings.Join(names, ", ")
}

// classicStats is what packetdrill says of attributes that aren't the script's.
func classicStats(i int, wantMsg, gotMsg cmsg, got []stat) string {
	if len(wantMsg.data) != len(gotMsg.data) {
		return classicCmsgLen(i, wantMsg, gotMsg)
	}
	for n, w := range wantMsg.stats {
		if n >= len(got) {
			break
		}
		if w.typ != got[n].typ {
			return fmt.Sprintf("Bad nla_type %d: expected=%d actual=%d", i, w.typ, got[n].typ)
		}
		if w.size != got[n].size {
			return fmt.Sprintf("Bad nla_len %d: expected=%d actual=%d", i, nlaHeader+w.size, nlaHeader+got[n].size)
		}
	}
	return "cmsgs do not match"
}
