package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcpdrill/engine/kernel"
	"tcpdrill/script"
)

// traces are what stacks did with the examples: where a change of a stack, or of how
// it is drilled, shows.
const traces = "../../golden/traces"

func TestGoldenTraces(t *testing.T) {
	folders, err := os.ReadDir(traces)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		t.Run(f.Name(), func(t *testing.T) {
			if why := kernel.Available(); why != nil && strings.HasPrefix(f.Name(), "kernel-") {
				if os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
					t.Fatal(why)
				}
				t.Skip(why)
			}
			var out, errs strings.Builder
			status := run([]string{"tcpdrill", "golden", "check", filepath.Join(traces, f.Name())}, &out, &errs)
			switch status {
			case exitPass:
				t.Log(out.String()) // of another series of the kernel, what it does otherwise
			case exitInconclusive:
				t.Skip(out.String())
			default:
				t.Errorf("status %d\n%s%s", status, out.String(), errs.String())
			}
		})
	}
}

// Each example has a trace of each stack, and each trace an example.
func TestGoldenTracesAreComplete(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/*.pkt")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	for _, stack := range []string{"gostack", "kernel-6.18"} {
		found, err := filepath.Glob(filepath.Join(traces, stack, "examples/*/*.trace"))
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		for _, f := range found {
			name := strings.TrimSuffix(filepath.Base(f), ".trace")
			has[strings.TrimSuffix(name, ".ipv6")] = true // of one that is for IPv6 only
		}
		for _, e := range examples {
			if keptOff(t, e, stack) {
				continue
			}
			name := strings.TrimSuffix(filepath.Base(e), ".pkt")
			if !has[name] {
				t.Errorf("%s has no trace on %s: tcpdrill golden record --stack=%s examples", e, stack, stack)
			}
			delete(has, name)
		}
		for name := range has {
			t.Errorf("%s has a trace on %s and is no example", name, stack)
		}
	}
}

// keptOff reports whether an example says that it isn't for a stack.
func keptOff(t *testing.T, name, stack string) bool {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := script.Parse(name, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, _ := script.Differences(s)
	return script.KeptOff(ds, script.Stack{Name: stack}) != nil
}
