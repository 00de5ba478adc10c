package fromcapture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/stacks"
)

// What the built-in stack does in the examples is imported as scripts that it passes.
func TestExamples(t *testing.T) {
	names, err := filepath.Glob("../../examples/*/*.pkt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		for _, version := range []string{"ipv4", "ipv6"} {
			t.Run(filepath.Base(name)+" "+version, func(t *testing.T) { roundTrip(t, name, version) })
		}
	}
}

func roundTrip(t *testing.T, name, version string) {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, src []byte, settings ...engine.Setting) *engine.Outcome {
		job := drill.NewJob(name, src, append(settings, engine.Setting{Name: "ip_version", Value: version, HasValue: true}))
		o, err := new(stacks.GoStack).Run(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	settings := []engine.Setting{{Name: "keep_packets"}}
	if version == "ipv6" {
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
	res, err := Import(bytes.NewReader(file(t, packets)), Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if o := run("imported.pkt", res.Script); o.Verdict != engine.Pass {
		t.Errorf("%+v\n%s", o.Failures, res.Script)
	}
}
