package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
)

// The bar stands below what happens, with the counts and what is running.
func TestLive(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	shown := func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	l := newLive(f, f, &report.TextOptions{Brief: true})
	observe := func(i int, name string, result *report.Run) {
		l.observe(suite.Event{Index: i, Task: suite.Task{Name: name}, Result: result})
	}
	begin := func(i int, name string) { observe(i, name, nil) }
	end := func(i int, name string, v engine.Verdict) {
		observe(i, name, &report.Run{Script: name, Stack: "kernel", IPVersion: engine.IPv4, Outcome: &engine.Outcome{Verdict: v}})
	}
	l.Begin(4)
	begin(0, "slow.pkt")
	begin(1, "a.pkt")
	l.mu.Lock()
	slow := l.running[0]
	slow.at = slow.at.Add(-9 * time.Second)
	l.running[0] = slow
	l.mu.Unlock()
	end(1, "a.pkt", engine.Pass)
	if got := shown(); got != "" {
		t.Errorf("a script that passed is shown: %q", got)
	}
	begin(2, "b.pkt")
	l.mu.Lock()
	l.draw()
	l.mu.Unlock()
	if got, want := shown(), "\r25% |█████               |  [0s] 1/4, 0s left: 1 passed\x1b[K\nslow.pkt 9 s, b.pkt\x1b[K\x1b[A\r"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	end(2, "b.pkt", engine.Fail)
	if got := shown(); !strings.HasPrefix(got, "\r\x1b[JFAIL  b.pkt (kernel, ipv4) 0.00 s\n\r") || !strings.Contains(got, "2/4, 0s left: 1 passed, 1 failed\x1b[K\nslow.pkt 9 s\x1b") {
		t.Errorf("%q", got)
	}
	l.End(report.Total{Tally: l.done})
	if got := shown(); got != "\r\x1b[J2 run in 0.0 s: 1 passed, 1 failed\n" {
		t.Errorf("%q", got)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"abc", 0, "…"}} {
		if got := cut(c.text, c.width); got != c.want {
			t.Errorf("%s, %d: got %s", c.text, c.width, got)
		}
	}
}
