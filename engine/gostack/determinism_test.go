package gostack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tcpdrill/engine"
)

// A savedScript is a script file.
type savedScript struct {
	name   string
	source []byte
}

// ownScripts are the examples and the scripts of this folder.
func ownScripts(t *testing.T) []savedScript {
	var scripts []savedScript
	for _, pattern := range []string{"../../examples/*/*.pkt", "../../examples/*.pkt", "testdata/*.pkt"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, savedScript{name, source})
		}
	}
	if len(scripts) == 0 {
		t.Fatal("no scripts")
	}
	return scripts
}

// outcome runs a script and returns all that is known then.
func (s savedScript) outcome() ([]byte, error) {
	o := runScript(s.name, s.source)
	if o.Verdict == engine.Error {
		return nil, fmt.Errorf("%s", whyNot(o)) // it would be alike each time, and say nothing
	}
	return json.MarshalIndent(o, "", " ")
}

// TestDeterminism runs each script many times, also beside others in the same
// process: nothing in the outcomes may differ, not even a nanosecond.
func TestDeterminism(t *testing.T) {
	const routines = 4
	runs := 50
	if testing.Short() {
		runs = 5
	}
	scripts := ownScripts(t)
	first := make([][]byte, len(scripts))
	for i, s := range scripts {
		var err error
		if first[i], err = s.outcome(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
	again := func(i int) error {
		o, err := scripts[i].outcome()
		if err == nil && !bytes.Equal(o, first[i]) {
			err = fmt.Errorf("%s", firstDifference(o, first[i]))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", scripts[i].name, err)
		}
		return nil
	}
	for range runs / 2 {
		for i := range scripts {
			if err := again(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	var wg sync.WaitGroup
	for r := range routines {
		wg.Go(func() {
			for n := range (runs - runs/2 + routines - 1) / routines {
				for i := range scripts {
					// Each in another order, so that different scripts meet.
					if err := again((i*(r+1) + n) % len(scripts)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// firstDifference shows the first line that differs.
func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("line %d of the outcome was %s, is now %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("the outcome had %d lines, has now %d", len(w), len(g))
}
