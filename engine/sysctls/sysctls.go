// Package sysctls has the sysctls of networking that Linux has: their names, the values
// that they start with, and what Linux accepts for them. What a stack makes of them is
// the stack's affair.
package sysctls

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tcpdrill/engine/abi"
)

// A Sysctl is one of Linux's.
type Sysctl struct {
	Name    string
	Default string
	// Fields is of how many numbers its value is made; 0 if it is text.
	Fields int
	Range  Range
	Kind   Kind
}

// A Range is what a number may be.
type Range struct{ Min, Max int64 }

// A Kind says whether a sysctl can be seen in what Linux's TCP does.
type Kind int

// The kinds.
const (
	Counts   Kind = iota // it can
	Inert                // it can't, by a script
	ReadOnly             // nobody can change it
)

// The ranges of Linux's types of sysctls.
var (
	flag        = Range{0, 1}
	u8          = Range{0, math.MaxUint8}
	whole       = Range{math.MinInt32, math.MaxInt32}
	notNegative = Range{0, math.MaxInt32}
	positive    = Range{1, math.MaxInt32}
	u32         = Range{0, math.MaxUint32}
	u64         = Range{0, math.MaxInt64}
	seconds     = Range{-math.MaxInt32 / 1000, math.MaxInt32 / 1000} // kept in jiffies
)

// devices are those that have settings of their own.
var devices = []string{"all", "default", "lo", "tun0"}

// All returns all sysctls.
var All = sync.OnceValue(func() []*Sysctl {
	var all []*Sysctl
	for i := range table {
		all = append(all, &table[i])
	}
	for _, dev := range devices {
		for _, v := range conf4 {
			all = append(all, &Sysctl{"net.ipv4.conf." + dev + "." + v.name, v.def, 1, whole, v.kind})
		}
		for _, v := range conf6 {
			all = append(all, &Sysctl{"net.ipv6.conf." + dev + "." + v.name, v.def, 1, whole, v.kind})
		}
	}
	return all
})

var byName = sync.OnceValue(func() map[string]*Sysctl {
	m := map[string]*Sysctl{}
	for _, s := range All() {
		m[s.Name] = s
	}
	return m
})

// Find returns the sysctl of a name, nil if Linux has none or it isn't known.
func Find(name string) *Sysctl { return byName()[name] }

// Parse changes a value's numbers to those of a text. As in Linux, those before one that
// is wrong are set, those not given stay, and what follows the last is ignored.
func (s *Sysctl) Parse(fields []*int64, value string) error {
	words := strings.Fields(value)
	if len(words) == 0 {
		return abi.Refuse(abi.EINVAL)
	}
	for i, n := range fields {
		if i == len(words) {
			return nil
		}
		x, ok := ParseNumber(words[i])
		if !ok || x < s.Range.Min || x > s.Range.Max {
			return abi.Refuse(abi.EINVAL)
		}
		*n = x
	}
	return nil
}

// ParseNumber reads a number as Linux does: 0x and 0 prefixes count, a plus sign isn't
// allowed.
func ParseNumber(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(digits, base, 63)
	if err != nil {
		return 0, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// Format writes numbers as /proc/sys shows them.
func Format(fields []*int64) string {
	var b strings.Builder
	for i, n := range fields {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(strconv.FormatInt(*n, 10))
	}
	return b.String()
}

// congestionControls are those that Linux has.
var congestionControls = []string{
	"reno", "cubic", "bbr", "bic", "cdg", "dctcp", "highspeed", "htcp", "hybla",
	"illinois", "lp", "nv", "scalable", "vegas", "veno", "westwood", "yeah",
}

// HasCongestionControl reports whether Linux has a congestion control of a name.
func HasCongestionControl(name string) bool { return slices.Contains(congestionControls, name) }
