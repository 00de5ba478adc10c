package shell

import (
	"fmt"
	"path"

	"tcpdrill/engine"
)

// A featureGroup is what ethtool calls several of the kernel's features by one
// name.
type featureGroup struct {
	short, long string
	patterns    []string // of the kernel's names
}

var featureGroups = []featureGroup{
	{"rx", "rx-checksumming", []string{"rx-checksum"}},
	{"tx", "tx-checksumming", []string{"tx-checksum-*"}},
	{"sg", "scatter-gather", []string{"tx-scatter-gather*"}},
	{"tso", "tcp-segmentation-offload", []string{"tx-tcp*-segmentation"}},
	{"ufo", "udp-fragmentation-offload", []string{"tx-udp-fragmentation"}},
	{"gso", "generic-segmentation-offload", []string{"tx-generic-segmentation"}},
	{"gro", "generic-receive-offload", []string{"rx-gro"}},
	{"lro", "large-receive-offload", []string{"rx-lro"}},
	{"rxvlan", "rx-vlan-offload", []string{"rx-vlan-hw-parse"}},
	{"txvlan", "tx-vlan-offload", []string{"tx-vlan-hw-insert"}},
	{"ntuple", "ntuple-filters", []string{"rx-ntuple-filter"}},
	{"rxhash", "receive-hashing", []string{"rx-hashing"}},
}

func (g *featureGroup) has(feature string) bool {
	for _, p := range g.patterns {
		if ok, _ := path.Match(p, feature); ok {
			return true
		}
	}
	return false
}

// featuresOf lists the features that ethtool's name means.
func featuresOf(name string, all []engine.Feature) []engine.Feature {
	var list []engine.Feature
	for _, f := range all {
		if f.Name == name {
			return []engine.Feature{f}
		}
	}
	for i := range featureGroups {
		g := &featureGroups[i]
		if g.short != name && g.long != name {
			continue
		}
		for _, f := range all {
			if g.has(f.Name) {
				list = append(list, f)
			}
		}
	}
	return list
}

// knownGroup reports whether a name is one of ethtool's own.
func knownGroup(name string) bool {
	for _, g := range featureGroups {
		if g.short == name || g.long == name {
			return true
		}
	}
	return false
}

// Exit statuses of ethtool.
const (
	exitNoChange = 1
	exitNetlink  = 92
)

// ethtool is `ethtool -k DEV` and `ethtool -K DEV NAME on|off …`.
func ethtool(c *call) (int, error) {
	if len(c.args) < 2 {
		return 0, errOther
	}
	dev := c.args[1]
	switch c.args[0] {
	case "-k", "--show-features", "--show-offload":
		all, err := c.host.Features(dev)
		if err != nil {
			return c.fail(exitNetlink, "netlink error: %s", err), nil
		}
		c.showFeatures(dev, all)
		return 0, nil
	case "-K", "--features", "--offload":
		return c.setFeatures(dev, c.args[2:])
	}
	return 0, errOther
}

func (c *call) setFeatures(dev string, args []string) (int, error) {
	all, err := c.host.Features(dev)
	if err != nil {
		return c.fail(exitNetlink, "netlink error: %s", err), nil
	}
	if len(args) == 0 || len(args)%2 != 0 {
		fmt.Fprintln(c.err, "ethtool: bad command line argument(s)")
		return 1, nil
	}
	var change []engine.Feature
	different := false // from what is there
	for ; len(args) > 0; args = args[2:] {
		name, value := args[0], args[1]
		if value != "on" && value != "off" {
			fmt.Fprintf(c.err, "ethtool (-K): %s is followed by neither 'on' nor 'off'\n", name)
			return 1, nil
		}
		features := featuresOf(name, all)
		if len(features) == 0 && !knownGroup(name) {
			fmt.Fprintf(c.err, "netlink error: bit name not found: %s\n", name)
			return exitNetlink, nil
		}
		for _, f := range features {
			on := value == "on"
			different = different || f.On != on
			if !f.Fixed {
				change = append(change, engine.Feature{Name: f.Name, On: on})
			}
		}
	}
	if len(change) > 0 {
		if err := c.host.SetFeatures(dev, change); err != nil {
			return c.fail(exitNetlink, "netlink error: %s", err), nil
		}
	}
	if !different {
		return 0, nil
	}
	now, err := c.host.Features(dev)
	if err != nil {
		return c.fail(exitNetlink, "netlink error: %s", err), nil
	}
	for i := range now {
		if i < len(all) && now[i].On != all[i].On {
			return 0, nil
		}
	}
	fmt.Fprintln(c.out, "Could not change any device features")
	return exitNoChange, nil
}

// showFeatures lists the groups, with their features under those that have
// several, and then the rest.
func (c *call) showFeatures(dev string, all []engine.Feature) {
	fmt.Fprintf(c.out, "Features for %s:\n", dev)
	grouped := make(map[string]bool)
	for i := range featureGroups {
		g := &featureGroups[i]
		sum := engine.Feature{Name: g.long, Fixed: true}
		var members []engine.Feature
		for _, f := range all {
			if g.has(f.Name) {
				grouped[f.Name] = true
				members = append(members, f)
				sum.On = sum.On || f.On
				sum.Fixed = sum.Fixed && f.Fixed
			}
		}
		if len(members) == 0 {
			continue
		}
		if len(members) > 1 {
			sum.Fixed = false
		}
		c.showFeature("", sum)
		for _, f := range members {
			if len(members) > 1 {
				c.showFeature("\t", f)
			}
		}
	}
	for _, f := range all {
		if !grouped[f.Name] {
			c.showFeature("", f)
		}
	}
}

func (c *call) showFeature(indent string, f engine.Feature) {
	state, fixed := "off", ""
	if f.On {
		state = "on"
	}
	if f.Fixed {
		fixed = " [fixed]"
	}
	fmt.Fprintf(c.out, "%s%s: %s%s\n", indent, f.Name, state, fixed)
}
