package drilltest_test

import (
	"slices"
	"strings"
	"testing"

	"tcpdrill/engine/drilltest"
)

// contains checks an inner test's output.
func contains(t *testing.T, output string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(output, w) {
			t.Errorf("%q isn't in\n%s", w, output)
		}
	}
}

// What fails is told as tcpdrill run tells it; what passed says nothing.
func TestVerdicts(t *testing.T) {
	out, failed := run(t, "verdicts")
	if !failed {
		t.Error("the test passed")
	}
	contains(t, out, `    --- FAIL: TestInner/fail.pkt/ipv4 (…)
        testdata/verdicts/fail.pkt:5:7: wrong packet: win differs
            5 |    +0 > S. 0:0(0) ack 1 win 999 <...>
              |       ^
          want  0.0000 > S. 0:0(0) ack 1 win 999   <...>
          got   0.0000 > S. 0:0(0) ack 1 win 64240 <...>
                                         ^^^^^^^^^
`, `
          timeline
               0.0000     1    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
`, `    --- FAIL: TestInner/error.pkt/ipv4 (…)
        testdata/verdicts/error.pkt:1:7: unknown system call sokcet; did you mean socket?
`)
	if n := strings.Count(out, "--- "); n != 3 {
		t.Errorf("%d tests are reported, want TestInner and two subtests:\n%s", n, out)
	}
}

// With -v there is the rest: warnings, what was skipped and why, all timelines.
func TestVerbose(t *testing.T) {
	out, _ := run(t, "verdicts", "-test.v")
	contains(t, out,
		"--- SKIP: TestInner/unsupported.pkt/ipv4 (…)\n",
		"testdata/verdicts/unsupported.pkt:1:7: unsupported: command `/bin/nosuch`: ",
		"--- PASS: TestInner/warning.pkt/ipv4 (…)\n",
		"testdata/verdicts/warning.pkt:6:7: warning: wrong packet: win differs\n",
		"--- PASS: TestInner/sub/pass.pkt/ipv4 (…)\n",
		"5  > S. 0:0(0) ack 1 win 64240 <mss 1460>",
	)
}

// What -run and -skip leave out isn't run.
func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		args  []string
		began []string
	}{
		{[]string{"-test.run=TestInner/tcp/nagle.pkt/^ipv6"}, []string{"tcp/nagle.pkt ipv6"}},
		{[]string{"-test.run=TestInner/verdicts/sub", "-test.skip=/////ipv4-mapped", "-test.skip=///pass.pkt/ipv4"}, []string{"verdicts/sub/pass.pkt ipv6"}},
		{[]string{"-test.run=TestInner/nosuch"}, nil},
		{[]string{"-test.run=TestInner/tcp", "-test.parallel=1"}, []string{
			"tcp/nagle.pkt ipv4", "tcp/nagle.pkt ipv4-mapped-ipv6", "tcp/nagle.pkt ipv6",
			"tcp/nodelay.pkt ipv4", "tcp/nodelay.pkt ipv4-mapped-ipv6", "tcp/nodelay.pkt ipv6",
		}},
	} {
		out, failed := run(t, "all", tt.args...)
		var began []string
		for line := range strings.Lines(out) {
			if _, what, ok := strings.Cut(line, "began: testdata/"); ok {
				began = append(began, strings.TrimSpace(what))
			}
		}
		if slices.Sort(began); failed || !slices.Equal(began, tt.began) {
			t.Errorf("%q: %q began, want %q; failed: %v\n%s", tt.args, began, tt.began, failed, out)
		}
	}
}

// What can't be run fails where Run is called, and says why.
func TestFatal(t *testing.T) {
	for name, want := range map[string]string{
		"no scripts":  ": testdata/*/*.nosuch: no scripts\n",
		"no file":     ": testdata/nosuch.pkt: no scripts\n",
		"no version":  "/v4.pkt: no script is for [ipv6]\n",
		"no main":     ": this package's tests need func TestMain(m *testing.M) { drilltest.Main(m) }\n",
		"bad stack":   `: drilltest.Stack: want auto, kernel, gostack, netstack or uml:KERNEL, got "gostak"`,
		"bad version": `: drilltest.IPVersions: want ipv4, ipv6 or ipv4-mapped-ipv6, got "ipv5"`,
		"bad preset":  `: drilltest.Preset: want kselftest, got "selftest"`,
		"bad setting": `: drilltest.Setting: option "nosuch" unknown`,
	} {
		out, failed := run(t, name)
		if !failed || strings.Contains(out, "began") {
			t.Errorf("%s: failed: %v", name, failed)
		}
		contains(t, out, "inner_test.go:", want)
	}
}

// Settings reach the scripts.
func TestSettings(t *testing.T) {
	for _, name := range []string{"setting", "define"} {
		if out, failed := run(t, name); failed {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// An inconclusive script passes on no account.
func TestInconclusive(t *testing.T) {
	out, failed := run(t, "late")
	if !failed {
		t.Error("passed")
	}
	contains(t, out, "run 4 times: the harness was late\n", "a.pkt:2: inconclusive: too late\n")
	out, failed = run(t, "skipped", "-test.v")
	if failed {
		t.Error("failed")
	}
	contains(t, out, "--- SKIP: TestInner (…)\n", "a.pkt:2: inconclusive: too late\n")
}

// A test that fails by itself has its scripts run all the same.
func TestFatalAfterwards(t *testing.T) {
	out, failed := run(t, "fatal", "-test.v")
	if !failed {
		t.Error("passed")
	}
	contains(t, out, "that's it", "--- PASS: TestInner/nagle.pkt/ipv4", "--- PASS: TestInner/nodelay.pkt/ipv4")
}

// Names are those below what a pattern names.
func TestNames(t *testing.T) {
	for pattern, want := range map[string][]string{
		"testdata/tcp/nagle.pkt":    {"nagle.pkt"},
		"testdata/tcp":              {"nagle.pkt", "nodelay.pkt"},
		"testdata/tcp/":             {"nagle.pkt", "nodelay.pkt"},
		"./testdata/tcp/n[ao]*.pkt": {"nagle.pkt", "nodelay.pkt"},
		"testdata/*/n*":             {"tcp/nagle.pkt", "tcp/nodelay.pkt"},
		"testdata/verdicts/[Rs]*":   {"sub/pass.pkt"}, // README is none
		"*": {
			"testdata/tcp/nagle.pkt", "testdata/tcp/nodelay.pkt", "testdata/verdicts/error.pkt", "testdata/verdicts/fail.pkt",
			"testdata/verdicts/sub/pass.pkt", "testdata/verdicts/unsupported.pkt", "testdata/verdicts/warning.pkt",
		},
	} {
		if got, err := drilltest.Names(pattern); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", pattern, got, err, want)
		}
	}
	if _, err := drilltest.Names("testdata/["); err == nil {
		t.Error("a bad pattern is taken")
	}
}
