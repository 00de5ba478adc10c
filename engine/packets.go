package engine

import (
	"cmp"
	"slices"
	"time"
)

// A Packet is one that crossed the link between the stack and us.
type Packet struct {
	At      time.Duration // script time
	Wall    time.Duration // since 1970, by the stack's clock
	Inbound bool          // to the stack
	Data    []byte        // from the IP header, as it crossed
	GSO     GSO
	// Lines of the script injected or expected it: several if it was cut, none if
	// no line did.
	Lines []int     `json:",omitempty"`
	Kind  EntryKind // the worst that was said of it
	Cause string    `json:",omitempty"`

	source *Captured // of a packet of the stack's: its Cause may come later
}

// virtualEpoch is when the script starts on a stack in virtual time (2000-01-01),
// so that its packets have the same times in each run.
const virtualEpoch = 946684800 * time.Second

// keep keeps a packet, if that is asked for. It returns by what number the packet
// goes from then on, 0 if it isn't kept.
func (r *runner) keep(p Packet) int {
	if !r.cfg.KeepPackets {
		return 0
	}
	r.out.Packets = append(r.out.Packets, p)
	return len(r.out.Packets)
}

// severity orders what can be said of a packet.
var severity = map[EntryKind]int{EntryOther: 1, EntryMatch: 2, EntryExtra: 3, EntryWrong: 4}

// keepNote keeps what is said of a packet, beside what was said of other pieces.
func (r *runner) keepNote(number int, kind EntryKind, line int) {
	if number == 0 {
		return
	}
	p := &r.out.Packets[number-1]
	if severity[kind] > severity[p.Kind] {
		p.Kind = kind
	}
	if line > 0 && !slices.Contains(p.Lines, line) {
		p.Lines = append(p.Lines, line)
	}
}

// orderPackets puts packets in the order in which they crossed: they are kept when
// a line is about them, later. It gives them their wall-clock
// times and causes.
func (r *runner) orderPackets(packets []Packet) {
	slices.SortStableFunc(packets, func(a, b Packet) int { return cmp.Compare(a.At, b.At) })
	for i := range packets {
		p := &packets[i]
		if p.source != nil {
			p.Cause = p.source.Cause
		}
		if p.Wall = virtualEpoch + p.At; !r.target.Virtual() {
			p.Wall = r.target.Wall(r.start + p.At)
		}
	}
}
