package fromcapture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/stacks"
	"tcpdrill/script"
)

// notShown are the examples that hang on something that a capture doesn't show, and on
// what.
var notShown = map[string]string{
	"cork/cork-close.pkt":               "TCP_CORK",
	"cork/cork-fill.pkt":                "TCP_CORK",
	"cork/cork-option.pkt":              "TCP_CORK",
	"cork/msg-more.pkt":                 "MSG_MORE",
	"tlp/tlp-with-fin.pkt":              "TCP_CORK",
	"psh/psh-forced.pkt":                "MSG_MORE",
	"collapse/refused-eor.pkt":          "MSG_EOR",
	"collapse/refused-option.pkt":       "a sysctl",
	"collapse/refused-syn.pkt":          "a sysctl",
	"rto/rto-initial.pkt":               "a sysctl",
	"segmentation/black-hole.pkt":       "a sysctl",
	"close/fin-wait-2.pkt":              "a sysctl, and which call sends a FIN",
	"close/data-after-close.pkt":        "which call sends a FIN",
	"close/fin-on-waiting-data.pkt":     "when data was written that waits",
	"psh/psh-only-with-data.pkt":        "when data was written that waits",
	"rto/rto-frto.pkt":                  "when data was written that waits",
	"recovery/prr.pkt":                  "when data was written that waits",
	"windows/zero-window-probe.pkt":     "when data was written that waits",
	"delack/delack-quickack-option.pkt": "TCP_QUICKACK",
	"device/burst-dropped.pkt":          "what the device dropped",
	"device/reader-too-slow.pkt":        "what the device dropped",
	"segmentation/mtu-probing.pkt":      "a sysctl",
	"segmentation/datagrams.pkt":        "a TCP connection",
	"segmentation/joined-datagrams.pkt": "a TCP connection",
	"segmentation/fragments.pkt":        "a TCP connection",
	"segmentation/no-fragments.pkt":     "the MTU of the device, which changes",
	"stories/2-queue.pkt":               "what the device dropped",
	"stories/3-who-lets-go.pkt":         "TCP_CORK",
	"stories/4-gso-size.pkt":            "a sysctl",
	"windows/probe-answered.pkt":        "SO_RCVBUF",
	"windows/window-update.pkt":         "SO_RCVBUF",
}

// What the built-in stack does in the examples, in the first connection of each, is
// imported as scripts that it passes, unless they hang on what isn't shown.
func TestExamples(t *testing.T) {
	names, err := filepath.Glob("../../examples/*/*.pkt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if keptOff(t, name, src) {
			continue
		}
		why := notShown[strings.TrimPrefix(filepath.ToSlash(name), "../../examples/")]
		for _, version := range []string{"ipv4", "ipv6"} {
			if only := fixedVersion(src); only != "" && only != version {
				continue
			}
			t.Run(filepath.Base(name)+" "+version, func(t *testing.T) { roundTrip(t, name, src, version, why) })
		}
	}
}

// fixedVersion returns the IP version that a script is for, "" if that is no matter.
func fixedVersion(src []byte) string {
	for _, version := range []string{"ipv4", "ipv6"} {
		if bytes.Contains(src, []byte("--ip_version="+version+"\n")) {
			return version
		}
	}
	return ""
}

// keptOff reports whether an example isn't for the built-in stack.
func keptOff(t *testing.T, name string, src []byte) bool {
	s, err := script.Parse(name, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, _ := script.Differences(s)
	return script.KeptOff(ds, script.Stack{Name: "gostack"}) != nil
}

// roundTrip runs a script, imports what it did and runs that. It has to pass unless
// there is a reason why not.
func roundTrip(t *testing.T, name string, src []byte, version, whyNot string) {
	run := func(name string, src []byte, settings ...engine.Setting) *engine.Outcome {
		job := drill.NewJob(name, src, append(settings, engine.Setting{Name: "ip_version", Value: version, HasValue: true}))
		o, err := new(stacks.GoStack).Run(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	settings := []engine.Setting{{Name: "keep_packets"}}
	if version == "ipv6" && fixedVersion(src) == "" {
		// For the MSS that the examples have in IPv4.
		settings = append(settings, engine.Setting{Name: "mtu", Value: "1520", HasValue: true})
	}
	original := run(name, src, settings...)
	if original.Verdict != engine.Pass {
		t.Fatalf("it doesn't pass itself: %+v", original.Failures)
	}
	packets := make([]pcapng.Packet, len(original.Packets))
	for i, p := range original.Packets {
		packets[i] = pcapng.Packet{Time: p.Wall, Link: pcapng.Raw, Data: p.Data, Direction: pcapng.Outbound}
		if p.Inbound {
			packets[i].Direction = pcapng.Inbound
		}
	}
	res, err := Import(bytes.NewReader(file(t, packets)), Options{Name: name, Connection: 1})
	if err != nil && whyNot != "" {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	switch o := run("imported.pkt", res.Script); {
	case o.Verdict != engine.Pass && whyNot == "":
		t.Errorf("%+v\n%s", o.Failures, res.Script)
	case o.Verdict == engine.Pass && whyNot != "":
		t.Errorf("it passes, though %s isn't shown", whyNot)
	}
}
