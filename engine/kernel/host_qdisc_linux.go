package kernel

import (
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// ChangeQdisc implements engine.Host. Options that it doesn't know are
// unsupported.
func (h *host) ChangeQdisc(c engine.QdiscChange) error {
	i, err := index(c.Dev)
	if err != nil {
		return err
	}
	msg := &nl.TcMsg{Family: unix.AF_UNSPEC, Ifindex: int32(i)}
	if err := setQdiscIDs(msg, c); err != nil {
		return err
	}
	data := []nl.NetlinkRequestData{msg}
	if c.Kind != "" {
		data = append(data, nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(c.Kind)))
	}
	options, err := qdiscOptions(c.Kind, c.Options)
	if err != nil {
		return err
	}
	if options != nil {
		data = append(data, options)
	}
	switch c.Change {
	case engine.Delete:
		return rtnetlink(unix.RTM_DELQDISC, 0, data...)
	case engine.Modify:
		return rtnetlink(unix.RTM_NEWQDISC, 0, data...) // as tc: no NLM_F_REPLACE
	}
	return rtnetlink(unix.RTM_NEWQDISC, changeFlags[c.Change], data...)
}

// setQdiscIDs sets parent and handle.
func setQdiscIDs(msg *nl.TcMsg, c engine.QdiscChange) error {
	switch c.Parent {
	case "root":
		msg.Parent = netlink.HANDLE_ROOT
	case "ingress":
		msg.Parent = netlink.HANDLE_INGRESS
		msg.Handle = netlink.MakeHandle(0xffff, 0)
	case "clsact":
		msg.Parent = netlink.HANDLE_CLSACT
		msg.Handle = netlink.MakeHandle(0xffff, 0)
	default:
		parent, ok := parseHandle(c.Parent)
		if !ok {
			return unix.EINVAL
		}
		msg.Parent = parent
	}
	if c.Handle != "" {
		handle, ok := parseHandle(c.Handle)
		if !ok || handle&0xffff != 0 {
			return unix.EINVAL
		}
		msg.Handle = handle
	}
	return nil
}

// parseHandle reads "1:", "1" or "1:2", in hexadecimal.
func parseHandle(s string) (uint32, bool) {
	major, minor, _ := strings.Cut(s, ":")
	if minor == "" {
		minor = "0"
	}
	a, err := strconv.ParseUint(major, 16, 16)
	b, err2 := strconv.ParseUint(minor, 16, 16)
	return netlink.MakeHandle(uint16(a), uint16(b)), err == nil && err2 == nil
}

// A qdiscOption is an option that takes a plain number, or none and is then
// the number itself.
type qdiscOption struct {
	attr  int
	alone bool
	value uint32
}

// qdiscAttrs are the options by kind and word (linux/pkt_sched.h).
var qdiscAttrs = map[string]map[string]qdiscOption{
	"fq": {
		"limit":           {attr: nl.TCA_FQ_PLIMIT},
		"flow_limit":      {attr: nl.TCA_FQ_FLOW_PLIMIT},
		"quantum":         {attr: nl.TCA_FQ_QUANTUM},
		"initial_quantum": {attr: nl.TCA_FQ_INITIAL_QUANTUM},
		"pacing":          {attr: nl.TCA_FQ_RATE_ENABLE, alone: true, value: 1},
		"nopacing":        {attr: nl.TCA_FQ_RATE_ENABLE, alone: true, value: 0},
	},
	"fq_codel": {
		"limit":   {attr: nl.TCA_FQ_CODEL_LIMIT},
		"flows":   {attr: nl.TCA_FQ_CODEL_FLOWS},
		"quantum": {attr: nl.TCA_FQ_CODEL_QUANTUM},
		"ecn":     {attr: nl.TCA_FQ_CODEL_ECN, alone: true, value: 1},
		"noecn":   {attr: nl.TCA_FQ_CODEL_ECN, alone: true, value: 0},
	},
}

// qdiscOptions makes TCA_OPTIONS, nil for none.
func qdiscOptions(kind string, words []string) (*nl.RtAttr, error) {
	if len(words) == 0 {
		return nil, nil
	}
	unsupported := &engine.UnsupportedError{What: "tc qdisc " + kind + " " + strings.Join(words, " ")}
	switch kind {
	case "pfifo", "bfifo", "pfifo_head_drop":
		if len(words) != 2 || words[0] != "limit" {
			return nil, unsupported
		}
		limit, err := strconv.ParseUint(words[1], 0, 32)
		if err != nil {
			return nil, unsupported
		}
		return uint32Attr(nl.TCA_OPTIONS, uint32(limit)), nil // struct tc_fifo_qopt
	}
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	for len(words) > 0 {
		o, ok := qdiscAttrs[kind][words[0]]
		words = words[1:]
		if ok && !o.alone && len(words) > 0 {
			n, err := strconv.ParseUint(words[0], 0, 32)
			ok = err == nil
			o.value = uint32(n)
			words = words[1:]
		} else if !o.alone {
			ok = false
		}
		if !ok {
			return nil, unsupported
		}
		options.AddRtAttr(o.attr, nl.Uint32Attr(o.value))
	}
	return options, nil
}
