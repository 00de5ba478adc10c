package causes

import (
	"bytes"
	"strconv"
)

// delta is by how much counters have moved.
type delta map[string]int64

// difference returns it between two texts of /proc/net/netstat, whose lines come in
// pairs, "TcpExt: Name Name" and "TcpExt: 1 2".
func difference(old, now []byte) (delta, bool) {
	a, b := tcpExt(old), tcpExt(now)
	if a == nil || b == nil {
		return nil, false
	}
	d := delta{}
	for name, v := range b {
		if v != a[name] {
			d[name] = v - a[name]
		}
	}
	return d, true
}

func tcpExt(text []byte) map[string]int64 {
	var names [][]byte
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("TcpExt: "))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		if names == nil {
			names = fields
			continue
		}
		if len(fields) != len(names) {
			return nil
		}
		m := make(map[string]int64, len(names))
		for i, f := range fields {
			m[string(names[i])], _ = strconv.ParseInt(string(f), 10, 64)
		}
		return m
	}
	return nil
}
