package causes

import (
	"bytes"
	"strconv"
)

// counted are the counters that tell something.
var counted = []string{
	"DelayedACKs", "TCPAutoCorking", "TCPChallengeACK", "TCPFastRetrans", "TCPKeepAlive",
	"TCPLossProbes", "TCPSlowStartRetrans", "TCPTimeouts", "TCPWinProbe",
}

// A reading is what counters were at a time.
type reading map[string]int64

// since returns by how much they have moved since another reading.
func (r reading) since(old reading) reading {
	d := make(reading, len(counted))
	for name, v := range r {
		d[name] = v - old[name]
	}
	return d
}

// A reader reads /proc/net/netstat, whose lines come in pairs, "TcpExt: Name Name" and
// "TcpExt: 1 2".
type reader struct {
	head   []byte         // the line with the names
	fields map[int]string // which of them are those that tell something
}

var tcpExt = []byte("TcpExt: ")

// read returns nil if the text isn't one.
func (r *reader) read(text []byte) reading {
	i := bytes.Index(text, tcpExt)
	if i < 0 {
		return nil
	}
	head, rest, _ := bytes.Cut(text[i:], []byte("\n"))
	values, _, _ := bytes.Cut(rest, []byte("\n"))
	values, ok := bytes.CutPrefix(values, tcpExt)
	if !ok {
		return nil
	}
	if !bytes.Equal(head, r.head) {
		r.learn(head)
	}
	out := make(reading, len(r.fields))
	n := 0
	for f := range bytes.SplitSeq(values, []byte(" ")) {
		if name, ok := r.fields[n]; ok {
			out[name], _ = strconv.ParseInt(string(f), 10, 64)
		}
		n++
	}
	return out
}

// learn takes in the names.
func (r *reader) learn(head []byte) {
	r.head, r.fields = head, map[int]string{}
	for i, name := range bytes.Fields(head[len(tcpExt):]) {
		for _, want := range counted {
			if string(name) == want {
				r.fields[i] = want
			}
		}
	}
}
