package gostack_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/uml"
)

func TestMain(m *testing.M) {
	uml.Main()
	os.Exit(m.Run())
}

// exactly leaves no tolerance but one tick of the timer.
var exactly = []engine.Setting{
	{Name: "tolerance_usecs", Value: "0", HasValue: true},
	{Name: "tolerance_percent", Value: "0", HasValue: true},
}

// tcpScripts are the scripts of testdata/tcp: one for each mechanism, or for each
// of its branches.
func tcpScripts(t *testing.T) []savedScript {
	t.Helper()
	names, err := filepath.Glob("testdata/tcp/*.pkt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []savedScript
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, savedScript{name, source})
	}
	return scripts
}

func (s savedScript) mechanism() string { return strings.TrimSuffix(filepath.Base(s.name), ".pkt") }

// TestTCP runs the scripts of testdata/tcp.
func TestTCP(t *testing.T) {
	for _, s := range tcpScripts(t) {
		t.Run(s.mechanism(), func(t *testing.T) {
			if o := runScript(s.name, s.source, exactly...); o.Verdict != engine.Pass {
				t.Error(whyNot(o))
			}
		})
	}
}

// TestTCPIsLinux runs the same scripts on the kernel that $TCPDRILL_UML names: what
// they expect is what Linux does.
func TestTCPIsLinux(t *testing.T) {
	name := os.Getenv("TCPDRILL_UML")
	if name == "" {
		t.Skip("$TCPDRILL_UML names no kernel")
	}
	kernel, err := uml.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close() })
	if err := kernel.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, s := range tcpScripts(t) {
		t.Run(s.mechanism(), func(t *testing.T) {
			o, err := kernel.Run(context.Background(), drill.NewJob(s.name, s.source, exactly))
			if err != nil {
				t.Fatal(err)
			}
			if o.Verdict != engine.Pass {
				t.Error(whyNot(o))
			}
		})
	}
}
