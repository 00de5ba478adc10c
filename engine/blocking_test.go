package engine_test

import (
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/enginetest"
)

// A read that blocks and the calls after it, by when the read returns.
func TestBlockingCall(t *testing.T) {
	const (
		short    = "+0...0.200 read(4, ..., 100) = 100\n+.2 < P. 1:101(100) ack 1 win 1000\n+0 close(4) = 0\n"
		others   = "+0...3 read(4, ..., 100) = 100\n+2 write(4, ..., 100) = 100\n+1.9 close(4) = 0\n"
		overlap  = "+0...3 read(4, ..., 100) = 100\n+.1...4 read(4, ..., 100) = 100\n"
		tooShort = "+0...3 read(4, ..., 100) = 100\n+.1 close(4) = 0\n"
		noWait   = "+0...5 read(4, ..., 100) = 100\n+1 > . 1:1(0) ack 1\n"
	)
	for _, tt := range []struct {
		name, script string
		end          time.Duration // of the read, after the accept() at 0.1
		verdict      engine.Verdict
		summary      string
		line         int
	}{
		{"on time", short, 200 * time.Millisecond, engine.Pass, "", 0},
		{"too early", short, 150 * time.Millisecond, engine.Fail, "read returned at 0.2500, expected at 0.3000", 8},
		{"never", short, time.Hour, engine.Fail, "read was to return at 0.3000 and hasn't at 1.3000", 8},
		{"beside other calls", others, 3 * time.Second, engine.Pass, "", 0},
		{"two at a time", overlap, 3 * time.Second, engine.Error, "read is to block until 3.1000, but at 1.1000", 8},
		{"longer than the next call can wait", tooShort, 3 * time.Second, engine.Fail, "system call start due at 0.2000 came 900.0 ms late", 9},
		{"longer than the script", "+0...3 read(4, ..., 100) = 100\n", 3 * time.Second, engine.Error, "read is to block until 3.1000", 8},
		{"it fails before a packet does", noWait, time.Second, engine.Fail, "read returned at 1.1000", 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(func(*server, int) {})
			s.OnBegin = func(f *enginetest.Fake, c *engine.Call) (engine.Result, time.Duration) {
				return engine.Result{Ret: 100}, 5*time.Second + 100*time.Millisecond + tt.end
			}
			o := runScript(t, s, handshake+tt.script)
			if o.Verdict != tt.verdict {
				t.Fatalf("%s, want %s: %v", o.Verdict, tt.verdict, o.Failures)
			}
			if tt.verdict == engine.Pass {
				return
			}
			if f := o.Failures[0]; !strings.Contains(f.Summary, tt.summary) || f.Line != tt.line {
				t.Errorf("got  %d: %s\nwant %d: %s", f.Line, f.Summary, tt.line, tt.summary)
			}
		})
	}
}

// A run that has failed doesn't wait for a call that blocks, and the timeline is
// in the order of time.
func TestFailsEarly(t *testing.T) {
	s := newServer(func(s *server, n int) { s.send(time.Second, 0, 0, n) })
	s.OnBegin = func(f *enginetest.Fake, c *engine.Call) (engine.Result, time.Duration) {
		return engine.Result{Ret: 100}, time.Hour
	}
	o := runScript(t, s, handshake+
		"+0...3 read(4, ..., 100) = 100\n+.1 < P. 1:101(100) ack 1 win 1000\n+.1 > . 1:1(0) ack 101\n+0 close(4) = 0\n")
	if o.Verdict != engine.Fail || len(o.Failures) != 1 || o.Failures[0].Line != 10 {
		t.Fatalf("%s: %v", o.Verdict, o.Failures)
	}
	if want := 2300 * time.Millisecond; o.Duration != want {
		t.Errorf("duration %v, want %v", o.Duration, want)
	}
	for i := 1; i < len(o.Timeline); i++ {
		if o.Timeline[i].At < o.Timeline[i-1].At {
			t.Errorf("entry %d is at %v, the one before at %v", i, o.Timeline[i].At, o.Timeline[i-1].At)
		}
	}
}

// Who has to give a run up can see where it is.
func TestProgress(t *testing.T) {
	var progress engine.Progress
	var o *engine.Outcome
	s := newServer(func(*server, int) { o = progress.Stuck(3 * time.Minute) })
	runWith(t, s, handshake+"+0 write(4, ..., 100) = 100\n", engine.Tools{Shell: &fakeShell{}, Progress: &progress})
	f := o.Failures[0]
	if want := "write hasn't returned after 3m0s (--timeout)"; o.Verdict != engine.Fail || f.Line != 8 || f.Summary != want {
		t.Errorf("%s, line %d: %s, want fail, line 8: %s", o.Verdict, f.Line, f.Summary, want)
	}
	if last := o.Timeline[len(o.Timeline)-1]; last.Text != "write(4, ..., 100) = 100" {
		t.Errorf("the timeline ends with %q", last.Text)
	}
	if o = progress.Stuck(time.Minute); o.Verdict != engine.Inconclusive {
		t.Errorf("%s when nothing is waited for, want inconclusive", o.Verdict)
	}
}

// A call that a target in virtual time knows not to return is the stack's failure.
func TestStuck(t *testing.T) {
	s := newServer(func(*server, int) {})
	answer := s.OnCall
	s.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
		if c.Name == "read" {
			return engine.Result{Ret: -1, Err: engine.ErrStuck}
		}
		return answer(f, c)
	}
	o := runScript(t, s, handshake+"+0 read(4, ..., 100) = 100\n")
	want := "read doesn't return: it sleeps, and nothing is going to happen that could wake it"
	if f := o.Failures[0]; o.Verdict != engine.Fail || f.Line != 8 || f.Summary != want {
		t.Errorf("%s, line %d: %s, want fail, line 8: %s", o.Verdict, f.Line, f.Summary, want)
	}
}
