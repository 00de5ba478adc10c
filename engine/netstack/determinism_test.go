package netstack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/netstack"
)

// A savedScript is a script file.
type savedScript struct {
	name   string
	source []byte
}

// scripts are those of testdata, and the examples, whether they pass or not.
func scripts(t *testing.T) []savedScript {
	t.Helper()
	var list []savedScript
	for _, pattern := range []string{"testdata/*.pkt", "../../examples/*/*.pkt"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no scripts: %v", pattern, err)
		}
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, savedScript{name, source})
		}
	}
	return list
}

// run runs a script on a new stack.
func run(name string, source []byte) *engine.Outcome {
	var s *netstack.Stack
	o := drill.Run(drill.NewJob(name, source, nil), drill.Place{
		PID: 1,
		Open: func(cfg *engine.Config) (engine.Target, error) {
			s = netstack.New()
			return s, s.Configure(cfg.Net)
		},
	})
	if s != nil {
		s.Close()
	}
	return o
}

// outcome runs a script and returns all that is known then.
func (s savedScript) outcome() ([]byte, error) {
	o := run(s.name, s.source)
	if o.Verdict == engine.Error {
		return nil, fmt.Errorf("%v", o.Failures) // it would be alike each time, and say nothing
	}
	return json.MarshalIndent(o, "", " ")
}

// TestDeterminism runs each script many times, also beside others in the same process:
// nothing in the outcomes may differ, not even a nanosecond.
func TestDeterminism(t *testing.T) {
	const routines = 4
	runs := 100
	if testing.Short() {
		runs = 10
	}
	list := scripts(t)
	first := make([][]byte, len(list))
	again := func(i int) error {
		o, err := list[i].outcome()
		if err == nil && first[i] == nil {
			first[i] = o
		}
		if err == nil && !bytes.Equal(o, first[i]) {
			err = fmt.Errorf("the outcome differs:\n%s\nwas\n%s", o, first[i])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", list[i].name, err)
		}
		return nil
	}
	for range runs / 2 {
		for i := range list {
			if err := again(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	var wg sync.WaitGroup
	for r := range routines {
		wg.Go(func() {
			for n := range runs / 2 / routines {
				for i := range list {
					// Each in another order, so that different scripts meet.
					if err := again((i*(r+1) + n) % len(list)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestNothingLeft checks that a stack leaves no goroutine behind.
func TestNothingLeft(t *testing.T) {
	list := scripts(t)
	all := func() {
		for _, s := range list {
			if _, err := s.outcome(); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	before := runtime.NumGoroutine()
	for range 5 {
		all()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) // one may be on its way out
	}
	t.Errorf("%d goroutines, there were %d", runtime.NumGoroutine(), before)
}
