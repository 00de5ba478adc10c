package shell

import (
	"fmt"
	"path"
	"strings"

	"tcpdrill/engine"
)

// uninteresting are the counters that nstat leaves out: they don't count.
var uninteresting = map[string]bool{
	"IpForwarding": true, "IpDefaultTTL": true,
	"TcpRtoAlgorithm": true, "TcpRtoMin": true, "TcpRtoMax": true,
	"TcpMaxConn": true, "TcpCurrEstab": true,
}

// nstat is `nstat [-anrsz] [PATTERN...]`: what each counter grew by since the
// last call, kept as the history of the run.
func nstat(c *call) (int, error) {
	var absolute, zeros, silent, keep bool
	var patterns []string
	for _, arg := range c.args {
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			patterns = append(patterns, arg)
			continue
		}
		switch arg {
		case "--ignore":
			arg = "-a"
		case "--zeros":
			arg = "-z"
		case "--noupdate":
			arg = "-s"
		case "--nooutput":
			arg = "-n"
		case "--reset":
			arg = "-r"
		}
		for _, o := range arg[1:] {
			switch o {
			case 'a':
				absolute = true
			case 'z':
				zeros = true
			case 's':
				keep = true
			case 'n':
				silent = true
			case 'r':
				c.state.nstat = nil
			default:
				return 0, errOther
			}
		}
	}

	counters, err := c.host.SNMP()
	if err != nil {
		return c.fail(1, "nstat: %s", err), nil
	}
	if !silent {
		fmt.Fprintln(c.out, "#kernel")
	}
	now := make(map[string]uint64, len(counters))
	for _, counter := range counters {
		name := counter.Group + counter.Name
		if uninteresting[name] {
			continue
		}
		now[name] = counter.Value
		value, note := counter.Value, ""
		if old := c.state.nstat[name]; !absolute {
			if value < old {
				value, note = old, " (overflow)"
			}
			value -= old
		}
		if !silent && (value != 0 || zeros) && matchAny(patterns, name) {
			fmt.Fprintf(c.out, "%-32s%-16d%6.1f%s\n", name, value, 0.0, note)
		}
	}
	if !keep {
		c.state.nstat = now
	}
	return 0, nil
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return len(patterns) == 0
}

// counterFile makes /proc/net/snmp, netstat or snmp6 from the counters.
func (s *session) counterFile(name string) ([]byte, bool) {
	var belongs func(group string) bool
	switch name {
	case "/proc/net/snmp":
		belongs = func(g string) bool { return !strings.HasSuffix(g, "6") && !strings.HasSuffix(g, "Ext") }
	case "/proc/net/netstat":
		belongs = func(g string) bool { return strings.HasSuffix(g, "Ext") }
	case "/proc/net/snmp6":
		belongs = func(g string) bool { return strings.HasSuffix(g, "6") }
	default:
		return nil, false
	}
	counters, err := s.host.SNMP()
	if err != nil {
		return nil, false
	}
	var b strings.Builder
	for len(counters) > 0 {
		group, n := counters[0].Group, 1
		for n < len(counters) && counters[n].Group == group {
			n++
		}
		if belongs(group) {
			writeCounters(&b, group, counters[:n], name == "/proc/net/snmp6")
		}
		counters = counters[n:]
	}
	return []byte(b.String()), true
}

// writeCounters writes a group as a line of names and one of values, or one
// line each, as snmp6 has it.
func writeCounters(b *strings.Builder, group string, counters []engine.Counter, lines bool) {
	if lines {
		for _, c := range counters {
			fmt.Fprintf(b, "%-32s\t%d\n", group+c.Name, c.Value)
		}
		return
	}
	b.WriteString(group + ":")
	for _, c := range counters {
		b.WriteString(" " + c.Name)
	}
	b.WriteString("\n" + group + ":")
	for _, c := range counters {
		fmt.Fprintf(b, " %d", int64(c.Value))
	}
	b.WriteString("\n")
}
