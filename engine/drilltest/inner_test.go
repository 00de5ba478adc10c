package drilltest_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drilltest"
	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
)

// innerEnv chooses what TestInner does: tests that fail are run in a process of their own.
const innerEnv = "DRILLTEST_INNER"

func TestInner(t *testing.T) {
	f := inner[os.Getenv(innerEnv)]
	if f == nil {
		t.Skip("other tests run it")
	}
	drilltest.Observe(func(e suite.Event) {
		if e.Result == nil {
			fmt.Printf("began: %s %s\n", e.Task.Name, e.Task.Version)
		}
	})
	f(t)
}

var inner = map[string]func(*testing.T){
	"verdicts": func(t *testing.T) { drilltest.Run(t, "testdata/verdicts", drilltest.Stack("gostack")) },
	"all": func(t *testing.T) {
		drilltest.Run(t, "testdata/*", drilltest.Stack("gostack"),
			drilltest.IPVersions("ipv4", "ipv6", "ipv4-mapped-ipv6"))
	},
	"no scripts": func(t *testing.T) { drilltest.Run(t, "testdata/*/*.nosuch") },
	"no file":    func(t *testing.T) { drilltest.Run(t, "testdata/nosuch.pkt") },
	"no version": func(t *testing.T) {
		name := t.TempDir() + "/v4.pkt"
		os.WriteFile(name, nil, 0o600)
		drilltest.Run(t, name, drilltest.IPVersions("ipv6"))
	},
	"no main": func(t *testing.T) {
		drilltest.ForgetMain()
		drilltest.Run(t, "testdata")
	},
	"bad stack":   func(t *testing.T) { drilltest.Run(t, "testdata", drilltest.Stack("gostak")) },
	"bad version": func(t *testing.T) { drilltest.Run(t, "testdata", drilltest.IPVersions("ipv5")) },
	"bad preset":  func(t *testing.T) { drilltest.Run(t, "testdata", drilltest.Preset("selftest")) },
	"bad setting": func(t *testing.T) { drilltest.Run(t, "testdata", drilltest.Setting("nosuch", "1")) },
	"setting": func(t *testing.T) {
		drilltest.Run(t, "testdata/verdicts/fail.pkt", drilltest.Stack("gostack"), drilltest.Setting("non-fatal", "packet"))
	},
	"define": func(t *testing.T) {
		name := t.TempDir() + "/define.pkt"
		os.WriteFile(name, []byte("0 socket(..., TYPE, IPPROTO_TCP) = 3\n"), 0o600)
		drilltest.Run(t, name, drilltest.Stack("gostack"), drilltest.Define("TYPE", "SOCK_STREAM"))
	},
	"late":    func(t *testing.T) { drilltest.Verdict(t, late, drilltest.Stack("gostack")) },
	"skipped": func(t *testing.T) { drilltest.Verdict(t, late, drilltest.SkipInconclusive()) },
	"fatal": func(t *testing.T) {
		drilltest.Run(t, "testdata/tcp", drilltest.Stack("gostack"))
		t.Fatal("that's it")
	},
	"kernel": func(t *testing.T) { drilltest.Run(t, "testdata/tcp", drilltest.Stack("kernel", "gostack")) },
	"auto":   func(t *testing.T) { drilltest.Run(t, "testdata/tcp") },
	"endless": func(t *testing.T) {
		name := t.TempDir() + "/endless.pkt"
		os.WriteFile(name, []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+60 close(3) = 0\n"), 0o600)
		drilltest.Run(t, name, drilltest.Stack("kernel"), drilltest.Short(time.Minute-1))
	},
}

// A run that was inconclusive.
var late = report.Run{Script: "a.pkt", Reruns: 3, Outcome: &engine.Outcome{
	Verdict:  engine.Inconclusive,
	Failures: []engine.Failure{{Verdict: engine.Inconclusive, Line: 2, Summary: "too late"}},
}}

// command is what runs an inner test.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-test.run=") }) {
		args = append(args, "-test.run=^TestInner$")
	}
	cmd := exec.Command(program, args...)
	// One that runs out of time leaves its temporary folder behind.
	cmd.Env = append(os.Environ(), innerEnv+"="+name, "TMPDIR="+t.TempDir())
	return cmd
}

// run runs an inner test and returns what it prints, without what differs each time, and
// whether it failed.
func run(t *testing.T, name string, args ...string) (output string, failed bool) {
	t.Helper()
	return outcome(command(t, name, args...))
}

func outcome(cmd *exec.Cmd) (output string, failed bool) {
	out, err := cmd.CombinedOutput()
	return spent.ReplaceAllString(string(out), "(…)"), err != nil
}

var spent = regexp.MustCompile(`\(\d+\.\d+s\)`)
