package gostack

import "fmt"

// Faults are mistakes that the stack makes on purpose, so that authors of scripts
// learn what theirs notice.
type Faults uint64

// The faults.
const (
	NoPSH Faults = 1 << iota
	NoNagle
	NoCork
	NoTLP
	NoCollapse
	PinnedDataref
	MSSOffByOne
	NoDelAck
	NoMinshall
	NoFastRetransmit
	NoRTOBackoff
	NoDSACK
	NoTSO
	PSHEverySegment
	NoGSOSize
)

// faultNames are the faults by name, in order.
var faultNames = []struct {
	Name string
	Does string
}{
	{"no-psh", "PSH is never set"},
	{"no-nagle", "small segments don't wait for an acknowledgment"},
	{"no-cork", "TCP_CORK and MSG_MORE hold nothing back"},
	{"no-tlp", "there are no tail loss probes"},
	{"no-collapse", "segments are not merged when they are sent again"},
	{"pinned-dataref", "every segment's data counts as referenced for ever"},
	{"mss-off-by-one", "segments are a byte shorter than they may be"},
	{"no-delack", "every segment is acknowledged at once"},
	{"no-minshall", "Nagle waits for any data in flight, not for a small segment only"},
	{"no-fast-retransmit", "only timeouts send again"},
	{"no-rto-backoff", "the retransmission timeout never doubles"},
	{"no-dsack", "duplicates are not reported by DSACK"},
	{"no-tso", "no segment is longer than the MSS"},
	{"psh-every-segment", "PSH is set on every segment with data"},
	{"no-gso-size", "super-segments don't say by what they are to be cut"},
}

// FaultList returns the names of all faults, in order, with what each does.
func FaultList() (names, does []string) {
	for _, f := range faultNames {
		names = append(names, f.Name)
		does = append(does, f.Does)
	}
	return names, does
}

// ParseFault returns the fault of a name.
func ParseFault(name string) (Faults, error) {
	for i, f := range faultNames {
		if f.Name == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("no fault is called %s", name)
}

// has reports whether a fault is built in.
func (f Faults) has(one Faults) bool { return f&one != 0 }
