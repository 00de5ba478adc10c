package gostack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	linux "tcpdrill/engine/sysctls"
)

// A sysctl is one of the machine's settings.
type sysctl struct {
	name string
	val  any // *int64, *[2]int64, *[3]int64 or *string: where the value is
	mode sysctlMode
}

// A sysctlMode says what becomes of a change.
type sysctlMode int

const (
	modelled sysctlMode = iota // the stack goes by it
	ignored                    // Linux's TCP doesn't go by it either, as far as a script can see
	fixed                      // the stack does only what the default says
	readOnly
)

// confSysctls are the settings of devices.
var confSysctls = sync.OnceValue(func() []*linux.Sysctl {
	var vars []*linux.Sysctl
	for _, v := range linux.All() {
		if strings.HasPrefix(v.Name, "net.ipv4.conf.") || strings.HasPrefix(v.Name, "net.ipv6.conf.") {
			vars = append(vars, v)
		}
	}
	return vars
})

// defaultSysctls are the values that a machine starts with, with the table that
// names them. It is made once: a script is over in less time than that takes.
var defaultSysctls = sync.OnceValue(func() *sysctls {
	c := &sysctls{conf: make([]int64, len(confSysctls()))}
	c.makeTable()
	for i := range c.vars {
		v := &c.vars[i]
		if text, ok := v.val.(*string); ok {
			*text = v.def()
		} else if err := v.parse(v.def()); err != nil {
			panic("gostack: the default of " + v.name + ": " + err.Error()) // it is ours
		}
	}
	return c
})

// sysctlIndex says where in the table a sysctl is.
var sysctlIndex = sync.OnceValue(func() map[string]int {
	index := map[string]int{}
	for i, v := range defaultSysctls().vars {
		index[v.name] = i
	}
	return index
})

// initSysctls gives all sysctls their defaults.
func (s *Stack) initSysctls() {
	s.sysctl = *defaultSysctls()
	s.sysctl.vars, s.sysctl.conf = nil, nil
}

// makeTable makes the table of the sysctls and of where their values are.
func (c *sysctls) makeTable() {
	c.vars = c.table()
	for i, v := range confSysctls() {
		mode := fixed
		switch v.Kind {
		case linux.Inert:
			mode = ignored
		case linux.ReadOnly:
			mode = readOnly
		}
		c.vars = append(c.vars, sysctl{v.Name, &c.conf[i], mode})
	}
}

// find returns a sysctl, nil if there is none of the name.
func (c *sysctls) find(name string) *sysctl {
	i, ok := sysctlIndex()[name]
	if !ok {
		return nil
	}
	if c.vars == nil {
		// Most scripts ask for none.
		c.conf = slices.Clone(defaultSysctls().conf)
		c.makeTable()
	}
	return &c.vars[i]
}

// String is the value as /proc/sys shows it.
func (v *sysctl) String() string {
	switch p := v.val.(type) {
	case *string:
		return *p
	case *int64:
		return strconv.FormatInt(*p, 10)
	}
	return linux.Format(v.fields())
}

// def is the value that it starts with.
func (v *sysctl) def() string { return linux.Find(v.name).Default }

// fields are the numbers that the value is made of.
func (v *sysctl) fields() []*int64 {
	switch p := v.val.(type) {
	case *int64:
		return []*int64{p}
	case *[2]int64:
		return []*int64{&p[0], &p[1]}
	case *[3]int64:
		return []*int64{&p[0], &p[1], &p[2]}
	}
	return nil
}

// parse sets the value's numbers, as far as the text is right.
func (v *sysctl) parse(value string) error { return linux.Find(v.name).Parse(v.fields(), value) }

// unknownSysctl is the answer to a name that isn't in the table. Linux may have
// it.
func unknownSysctl(name string) error {
	return &engine.UnsupportedError{What: "the sysctl " + name}
}

// Sysctl implements engine.Host.
func (s *Stack) Sysctl(name string) (string, error) {
	v := s.sysctl.find(name)
	if v == nil {
		return "", unknownSysctl(name)
	}
	return v.String(), nil
}

// SetSysctl implements engine.Host.
func (s *Stack) SetSysctl(name, value string) error {
	v := s.sysctl.find(name)
	switch {
	case v == nil:
		return unknownSysctl(name)
	case v.mode == readOnly:
		return engine.ErrReadOnly
	}
	unsupported := &engine.UnsupportedError{
		What: fmt.Sprintf("setting the sysctl %s to %s", name, strings.TrimSpace(value)),
	}
	if text, ok := v.val.(*string); ok {
		return s.setTextSysctl(v, text, value, unsupported)
	}
	fields := v.fields()
	before := make([]int64, len(fields))
	for i, n := range fields {
		before[i] = *n
	}
	restore := func() {
		for i, n := range fields {
			*n = before[i]
		}
	}
	switch v.val {
	case &s.sysctl.ipLocalPortRange:
		// It is set as a whole.
		if err := v.parse(value); err != nil {
			restore()
			return err
		}
		if r := s.sysctl.ipLocalPortRange; r[0] > r[1] || r[0] < s.sysctl.ipUnprivilegedPortStart {
			restore()
			return abi.Refuse(abi.EINVAL)
		}
		return nil
	case &s.sysctl.tcpEcn:
		// Later kernels have accurate ECN, which starts at 3.
		if n, ok := linux.ParseNumber(strings.TrimSpace(value)); ok && n >= 3 && n <= 5 {
			return unsupported
		}
	}
	err := v.parse(value)
	if v.mode == fixed && v.String() != v.defaultString() {
		restore()
		return unsupported
	}
	return err
}

// defaultString is the default as String would have it.
func (v *sysctl) defaultString() string { return strings.Join(strings.Fields(v.def()), "\t") }

// congestionControl says whether the stack has one of the name.
func (s *Stack) congestionControl(name string) error {
	switch {
	case slices.Contains(strings.Fields(s.sysctl.tcpAvailableCongestionControl), name):
		return nil
	case linux.HasCongestionControl(name):
		return &engine.UnsupportedError{What: "the congestion control " + name}
	}
	return abi.Refuse(abi.ENOENT)
}

// setTextSysctl sets one that is no number.
func (s *Stack) setTextSysctl(v *sysctl, text *string, value string, unsupported error) error {
	value = strings.TrimSpace(value)
	switch text {
	case &s.sysctl.tcpCongestionControl:
		if err := s.congestionControl(value); err != nil {
			return err
		}
	case &s.sysctl.tcpAllowedCongestionControl:
		words := strings.Fields(value)
		for _, w := range words {
			if err := s.congestionControl(w); err != nil {
				return err
			}
		}
		value = strings.Join(words, " ")
	case &s.sysctl.tcpFastopenKey:
		keys, ok := parseFastopenKeys(value)
		if !ok {
			return abi.Refuse(abi.EINVAL)
		}
		value = keys
	case &s.sysctl.coreDefaultQdisc:
		if !knownQdisc(value) {
			return unsupported
		}
	default:
		if v.mode == fixed && value != v.def() {
			return unsupported
		}
	}
	*text = value
	return nil
}

// parseFastopenKeys reads one or two keys of four hexadecimal words each and
// returns them as the sysctl shows them.
func parseFastopenKeys(value string) (string, bool) {
	keys := strings.Split(value, ",")
	if len(keys) > 2 {
		return "", false
	}
	for i, k := range keys {
		words := strings.Split(strings.TrimSpace(k), "-")
		if len(words) != 4 {
			return "", false
		}
		for j, w := range words {
			n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(w), "0x"), 16, 64)
			if err != nil {
				return "", false
			}
			words[j] = fmt.Sprintf("%08x", uint32(n)) // the upper digits are lost
		}
		keys[i] = strings.Join(words, "-")
	}
	return strings.Join(keys, ","), true
}
