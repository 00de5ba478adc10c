package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tcpdrill/engine"
)

// Text writes results for people. With verbose every script's timeline is shown.
func Text(w io.Writer, verbose bool) Writer { return &textWriter{w, verbose} }

// A textWriter writes results for people.
type textWriter struct {
	w       io.Writer
	verbose bool
}

func (t *textWriter) Run(r Run) {
	word := map[engine.Verdict]string{
		engine.Pass: "ok", engine.Fail: "FAIL", engine.Error: "ERROR",
		engine.Unsupported: "skip", engine.Inconclusive: "inconclusive",
	}[r.Outcome.Verdict]
	again := ""
	if r.Reruns > 0 {
		again = fmt.Sprintf(", run %d times: the harness was late", r.Reruns+1)
	}
	spent := fmt.Sprintf("%.2f s", r.Seconds)
	if r.Virtual {
		// What it took of the machine's time is no property of the script.
		spent = fmt.Sprintf("%.2f s of virtual time", r.Outcome.Duration.Seconds())
	}
	fmt.Fprintf(t.w, "%-5s %s (%s, %s) %s%s\n", word, r.Script, r.Stack, r.IPVersion, spent, again)
	switch {
	case r.Outcome.Verdict != engine.Pass:
		Failure(t.w, r, t.verbose)
	case t.verbose:
		Pass(t.w, r)
	default:
		Warnings(t.w, r)
	}
}

func (t *textWriter) End(all Tally, took time.Duration) {
	var parts []string
	for _, p := range []struct {
		v    engine.Verdict
		word string
	}{{engine.Pass, "passed"}, {engine.Fail, "failed"}, {engine.Error, "with errors"}, {engine.Inconclusive, "inconclusive"}, {engine.Unsupported, "unsupported"}} {
		if n := all[p.v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.word))
		}
	}
	summary := fmt.Sprintf("%d run in %.1f s", all.Total(), took.Seconds())
	if len(parts) > 0 {
		summary += ": " + strings.Join(parts, ", ")
	}
	fmt.Fprintln(t.w, summary)
}
