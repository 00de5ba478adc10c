package drilltest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
)

// An Option is a choice for Run. Of options that are given twice the last one counts, but
// Define and Setting add up.
type Option func(*config) error

type config struct {
	stacks   []string
	versions []engine.IPVersion
	preset   string
	settings []engine.Setting
	reruns   int
	jobs     int
	short    time.Duration // 0: -short doesn't matter
	skipLate bool
}

func newConfig(options []Option) (*config, error) {
	c := &config{stacks: []string{"auto"}, reruns: 3}
	for _, o := range options {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Stack chooses the stacks: auto (the default: the kernel if it can be drilled, else
// gostack), kernel, gostack, netstack, uml:KERNEL.
func Stack(names ...string) Option {
	return func(c *config) error {
		if len(names) == 0 {
			return fmt.Errorf("drilltest.Stack: want a name")
		}
		for _, name := range names {
			switch kernel, uml := strings.CutPrefix(name, "uml:"); {
			case name == "auto", name == "kernel", name == "gostack", name == "netstack", uml && kernel != "":
			default:
				return fmt.Errorf("drilltest.Stack: want auto, kernel, gostack, netstack or uml:KERNEL, got %q", name)
			}
		}
		c.stacks = nil
		for _, name := range names {
			if !slices.Contains(c.stacks, name) {
				c.stacks = append(c.stacks, name)
			}
		}
		return nil
	}
}

// IPVersions chooses the IP versions: ipv4, ipv6, ipv4-mapped-ipv6. A script that is for
// some only runs in those. The default is what a script is for, ipv4 if that is no matter.
func IPVersions(versions ...string) Option {
	return func(c *config) error {
		c.versions = nil
		for _, v := range versions {
			switch iv := engine.IPVersion(v); iv {
			case engine.IPv4, engine.IPv6, engine.IPv4MappedV6:
				c.versions = append(c.versions, iv)
			default:
				return fmt.Errorf("drilltest.IPVersions: want ipv4, ipv6 or ipv4-mapped-ipv6, got %q", v)
			}
		}
		return nil
	}
}

// Preset chooses what else is set: kselftest is what packetdrill's run_all.py and the
// kernel's ksft_runner.sh pass.
func Preset(name string) Option {
	return func(c *config) error {
		if name != "kselftest" && name != "" {
			return fmt.Errorf("drilltest.Preset: want kselftest, got %q", name)
		}
		c.preset = name
		return nil
	}
}

// Define gives a symbol of the scripts a value.
func Define(symbol, value string) Option { return Setting("define", symbol+"="+value) }

// Setting sets one of packetdrill's options, or of tcpdrill run's that scripts may set too,
// over the script's own: Setting("tolerance_usecs", "1000"). The value of one that takes
// none, such as strict_segments, is "".
func Setting(name, value string) Option {
	return func(c *config) error {
		s := engine.Setting{Name: strings.ReplaceAll(strings.TrimLeft(name, "-"), "-", "_"), Value: value}
		takes, known := engine.TakesValue(s.Name)
		switch {
		case !known:
			return fmt.Errorf("drilltest.Setting: option %q unknown", name)
		case s.Name == "ip_version":
			return fmt.Errorf("drilltest.Setting: %s is for drilltest.IPVersions to choose", name)
		case !takes && value != "":
			return fmt.Errorf("drilltest.Setting: option %q takes no value, got %q", name, value)
		}
		s.HasValue = takes
		c.settings = append(c.settings, s)
		return nil
	}
}

// Reruns chooses how often a script is run again that is inconclusive, or passed barely; the
// default is 3.
func Reruns(n int) Option {
	return func(c *config) error {
		c.reruns = n
		return nil
	}
}

// Jobs chooses how many scripts run at a time at most. The default, 0, is as many as can
// run without being late, in virtual time one per processor.
func Jobs(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("drilltest.Jobs: want a number from 0, got %d", n)
		}
		c.jobs = n
		return nil
	}
}

// Short has tests under -short skip the scripts that take longer than this by their own
// times. In virtual time nothing does.
func Short(limit time.Duration) Option {
	return func(c *config) error {
		c.short = limit
		return nil
	}
}

// SkipInconclusive has scripts skipped that are still inconclusive after all reruns, since
// the machine was late. By default they fail.
func SkipInconclusive() Option {
	return func(c *config) error {
		c.skipLate = true
		return nil
	}
}
