package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
)

// A fakeHost is a host of variables. It writes down what it is asked to change.
type fakeHost struct {
	calls    []string
	sysctls  map[string]string
	features []engine.Feature
	counters []engine.Counter
	files    map[string]string
	now      time.Duration
}

func newFakeHost() *fakeHost {
	return &fakeHost{
		sysctls: map[string]string{
			"net.ipv4.tcp_sack":               "1",
			"net.ipv4.tcp_ecn":                "2",
			"net.ipv4.tcp_rmem":               "4096\t131072\t6291456",
			"net.ipv4.tcp_fastopen":           "1",
			"net.core.rmem_max":               "212992",
			"net.ipv4.conf.eth0/1.forwarding": "0",
		},
		features: []engine.Feature{
			{Name: "rx-checksum", Fixed: true},
			{Name: "tx-checksum-ipv4", Fixed: true},
			{Name: "tx-checksum-ip-generic", On: true},
			{Name: "tx-generic-segmentation", On: true},
			{Name: "tx-tcp-segmentation", On: true},
			{Name: "tx-tcp6-segmentation", On: true},
			{Name: "rx-gro"},
		},
		counters: []engine.Counter{
			{Group: "Tcp", Name: "RtoMin", Value: 200},
			{Group: "Tcp", Name: "OutRsts", Value: 1},
			{Group: "Ip6", Name: "InReceives", Value: 7},
			{Group: "TcpExt", Name: "TCPTimeouts", Value: 3},
			{Group: "TcpExt", Name: "OutOfWindowIcmps"},
		},
		files: map[string]string{
			"/proc/net/tcp":  "  sl  local_address rem_address   st\n   0: 00000000:1F90 00000000:0000 0A 00000000\n",
			"/proc/net/tcp6": "  sl  local_address rem_address   st\n",
		},
	}
}

func (h *fakeHost) did(format string, args ...any) error {
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
	return nil
}

func (h *fakeHost) Sysctl(name string) (string, error) {
	if v, ok := h.sysctls[name]; ok {
		return v, nil
	}
	if strings.HasPrefix(name, "net.odd.") {
		return "", &engine.UnsupportedError{What: "sysctl " + name}
	}
	return "", fs.ErrNotExist
}

func (h *fakeHost) SetSysctl(name, value string) error {
	if _, err := h.Sysctl(name); err != nil {
		return err
	}
	switch {
	case value == "bad":
		return errors.New("invalid argument")
	case name == "net.core.rmem_max":
		return engine.ErrReadOnly
	}
	h.sysctls[name] = value
	return h.did("%s=%s", name, value)
}

func (h *fakeHost) FlushTCPMetrics() error { return h.did("flush") }

func (h *fakeHost) ChangeQdisc(q engine.QdiscChange) error {
	h.did("qdisc %+v", q)
	switch q.Dev {
	case "busy0":
		return fs.ErrExist
	case "odd0":
		return &engine.UnsupportedError{What: "a queueing discipline"}
	}
	return nil
}

func (h *fakeHost) Features(dev string) ([]engine.Feature, error) {
	if dev != "tun0" {
		return nil, errors.New("no such device")
	}
	return slices.Clone(h.features), nil
}

func (h *fakeHost) SetFeatures(dev string, list []engine.Feature) error {
	for _, f := range list {
		h.did("%s %t", f.Name, f.On)
		for i := range h.features {
			if h.features[i].Name == f.Name {
				h.features[i].On = f.On
			}
		}
	}
	return nil
}

func (h *fakeHost) ChangeLink(c engine.LinkChange) error {
	s := "link " + c.Dev
	if c.Up != nil {
		s += fmt.Sprintf(" up=%t", *c.Up)
	}
	if c.TxQueueLen != nil {
		s += fmt.Sprintf(" qlen=%d", *c.TxQueueLen)
	}
	return h.did("%s mtu=%d gso=%d/%d", s, c.MTU, c.GSOMaxSize, c.GSOMaxSegs)
}

func (h *fakeHost) ChangeAddr(c engine.AddrChange) error   { return h.did("addr %+v", c) }
func (h *fakeHost) ChangeRoute(c engine.RouteChange) error { return h.did("route %+v", c) }
func (h *fakeHost) SNMP() ([]engine.Counter, error)        { return h.counters, nil }

func (h *fakeHost) ReadFile(name string) ([]byte, error) {
	if text, ok := h.files[name]; ok {
		return []byte(text), nil
	}
	return nil, &engine.UnsupportedError{What: name}
}

// The fake host is the clock, too.
func (h *fakeHost) Now() time.Duration                 { return h.now }
func (h *fakeHost) Start(bool) time.Duration           { return h.now }
func (h *fakeHost) Finish()                            {}
func (h *fakeHost) Wall(t time.Duration) time.Duration { return t }
func (h *fakeHost) Virtual() bool                      { return true }

func (h *fakeHost) Tick() time.Duration { return 0 }
func (h *fakeHost) WaitUntil(t time.Duration) {
	h.did("wait %v", t-h.now)
	h.now = t
}

// A realHost is a fake host that runs programs: "upper" turns its input into
// capitals, "fail" fails, and others aren't installed but what its shell runs.
type realHost struct{ *fakeHost }

func (h realHost) Exec(_ context.Context, c *engine.ExecCommand) (int, error) {
	h.did("exec %q in %s", c.Args, c.Dir)
	switch c.Args[0] {
	case "upper":
		b, err := io.ReadAll(c.Stdin)
		if err != nil {
			return 0, err
		}
		io.WriteString(c.Stdout, strings.ToUpper(string(b)))
		return 0, nil
	case "env":
		for _, nv := range c.Env {
			fmt.Fprintln(c.Stdout, nv)
		}
		return 0, nil
	case "fail":
		io.WriteString(c.Stderr, "it failed\n")
		return 3, nil
	case "/bin/sh", "sysctl", "./tool.py", "grep":
		return 0, nil
	}
	return 0, fs.ErrNotExist
}
