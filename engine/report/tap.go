package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"tcpdrill/engine"
)

// TAP writes what the kernel's tools read: KTAP, version 1, which readers of TAP
// understand too. All that doesn't pass but what is unsupported is "not ok".
func TAP(w io.Writer) Writer { return &tapWriter{w: w} }

// A tapWriter writes KTAP.
type tapWriter struct {
	w      io.Writer
	n      int // of the last run
	differ int // as expected
}

// Begin writes the plan at once: what is cut short can't be taken for the whole.
func (t *tapWriter) Begin(total int) {
	fmt.Fprintf(t.w, "KTAP version 1\n1..%d", total)
	if total == 0 {
		fmt.Fprint(t.w, " # SKIP there is nothing to run")
	}
	fmt.Fprintln(t.w)
}

func (t *tapWriter) Run(r Run) {
	t.n++
	// As a rule, what is said of a test is before its result.
	var b bytes.Buffer
	if r.Outcome.Verdict == engine.Pass {
		Warnings(&b, r)
	} else {
		Failure(&b, r, false)
	}
	if r.Reruns > 0 {
		fmt.Fprintf(&b, "run %d times: the harness was late\n", r.Reruns+1)
	}
	for line := range strings.Lines(b.String()) {
		fmt.Fprintf(t.w, "# %s\n", strings.TrimRight(line, "\r\n"))
	}
	result := "not ok"
	directive := map[engine.Verdict]string{
		engine.Error: "ERROR ", engine.Inconclusive: "INCONCLUSIVE ", engine.Unsupported: "SKIP ",
	}[r.Outcome.Verdict]
	if v := r.Outcome.Verdict; v == engine.Pass || v == engine.Unsupported {
		result = "ok"
	}
	line := fmt.Sprintf("%s %d %s", result, t.n, noHash(r.name()))
	why := directive + noHash(r.brief())
	if r.Differs != "" {
		t.differ++
		why = "XFAIL " + noHash(r.Differs)
	}
	if why != "" {
		line += " # " + why
	}
	fmt.Fprintln(t.w, strings.TrimRight(line, " "))
}

// End writes the totals as kselftest does.
func (t *tapWriter) End(all Total) {
	if all.Interrupted != "" {
		fmt.Fprintf(t.w, "Bail out! interrupted at %s\n", all.Interrupted)
		return
	}
	fmt.Fprintf(t.w, "# Totals: pass:%d fail:%d xfail:%d xpass:0 skip:%d error:%d\n",
		all.Tally[engine.Pass]-t.differ, all.Tally[engine.Fail], t.differ, all.Tally[engine.Unsupported],
		all.Tally[engine.Error]+all.Tally[engine.Inconclusive])
}

// noHash is a text on one line in which nothing looks like a directive.
func noHash(s string) string { return strings.NewReplacer("#", "_", "\n", " ", "\r", " ").Replace(s) }
