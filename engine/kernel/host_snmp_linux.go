package kernel

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"tcpdrill/engine"
)

// SNMP implements engine.Host.
func (h *host) SNMP() ([]engine.Counter, error) {
	var list []engine.Counter
	for _, f := range []struct {
		name  string
		parse func(string) []engine.Counter
	}{
		{"/proc/net/snmp", parsePairs},
		{"/proc/net/snmp6", parseLines},
		{"/proc/net/netstat", parsePairs},
	} {
		b, err := os.ReadFile(f.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no IPv6, say
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f.parse(string(b))...)
	}
	return list, nil
}

// parsePairs reads pairs of lines, "Tcp: Name Name" and "Tcp: 1 2".
func parsePairs(s string) []engine.Counter {
	var list []engine.Counter
	lines := strings.Split(s, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(names) != len(values) {
			continue
		}
		group := strings.TrimSuffix(names[0], ":")
		for j := 1; j < len(names); j++ {
			list = append(list, engine.Counter{Group: group, Name: names[j], Value: parseCounter(values[j])})
		}
	}
	return list
}

// parseLines reads lines like "Ip6InReceives 5".
func parseLines(s string) []engine.Counter {
	var list []engine.Counter
	for line := range strings.SplitSeq(s, "\n") {
		name, value, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		name = strings.TrimSpace(name)
		i := strings.IndexByte(name, '6') + 1 // 0 for a name that is no group's
		list = append(list, engine.Counter{Group: name[:i], Name: name[i:], Value: parseCounter(strings.TrimSpace(value))})
	}
	return list
}

// parseCounter reads a number, which may be negative.
func parseCounter(s string) uint64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return uint64(n)
	}
	n, _ := strconv.ParseUint(s, 10, 64) // beyond an int64
	return n
}
