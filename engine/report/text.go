package report

import (
	"fmt"
	"io"
	"strings"

	"tcpdrill/engine"
)

// TextOptions are what people choose of a text report.
type TextOptions struct {
	Verbose bool // every script's timeline is shown
	Brief   bool // of several scripts those that passed, or can't run here, are only counted
	Colour  bool // verdicts have colours
}

// Text writes results for people.
func Text(w io.Writer, o TextOptions) Writer { return &textWriter{TextOptions: o, w: w} }

// A textWriter writes results for people.
type textWriter struct {
	TextOptions
	w       io.Writer
	alone   bool // there is one run only
	causes  causes
	repeats repeats
	reruns  reruns
}

var words = map[engine.Verdict]string{
	engine.Pass: "ok", engine.Fail: "FAIL", engine.Error: "ERROR",
	engine.Unsupported: "skip", engine.Inconclusive: "inconclusive",
}

func (t *textWriter) Begin(total int) { t.alone = total == 1 }

func (t *textWriter) Run(r Run) {
	t.causes.add(r)
	t.repeats.add(r)
	t.reruns.add(r)
	if t.Brief && !t.Verbose && !t.alone && quiet(r) {
		return
	}
	word := fmt.Sprintf("%-5s", words[r.Outcome.Verdict])
	if t.Colour {
		word = colour(r.Outcome.Verdict, word)
	}
	again := ""
	if r.Reruns > 0 {
		again = fmt.Sprintf(", run %d times: the harness was late", r.Reruns+1)
	}
	spent := fmt.Sprintf("%.2f s", r.Seconds)
	if r.Virtual {
		// What it took of the machine's time is no property of the script.
		spent = fmt.Sprintf("%.2f s of virtual time", r.Outcome.Duration.Seconds())
	}
	fmt.Fprintf(t.w, "%s %s %s%s\n", word, r.name(), spent, again)
	switch {
	case r.Outcome.Verdict != engine.Pass:
		Failure(t.w, r, t.Verbose)
	case t.Verbose:
		Pass(t.w, r)
	default:
		Warnings(t.w, r)
	}
}

// quiet reports whether nobody need look at a run.
func quiet(r Run) bool {
	v := r.Outcome.Verdict
	return v == engine.Unsupported || v == engine.Pass && (len(r.Outcome.Warnings) == 0 || r.Differs != "")
}

func (t *textWriter) End(all Total) {
	t.causes.write(t.w, t.Brief && !t.Verbose && !t.alone)
	t.repeats.write(t.w)
	t.reruns.write(t.w)
	summary := fmt.Sprintf("%d run in %.1f s", all.Total(), all.Took.Seconds())
	if counts := all.Counts(); counts != "" {
		summary += ": " + counts
	}
	fmt.Fprintln(t.w, summary)
}

// Counts says how many runs came out how: "44 passed, 5 of them differ as expected, 2
// failed".
func (t Total) Counts() string {
	switch {
	case t.Differ == 0:
		return t.Tally.counts("")
	case t.Differ == 1:
		return t.Tally.counts(", 1 of them differs as expected")
	}
	return t.Tally.counts(fmt.Sprintf(", %d of them differ as expected", t.Differ))
}

// Counts says how many runs came out how: "44 passed, 2 failed".
func (t Tally) Counts() string { return t.counts("") }

// counts has more to say of those that passed.
func (t Tally) counts(passed string) string {
	var parts []string
	for _, p := range []struct {
		v    engine.Verdict
		word string
	}{{engine.Pass, "passed"}, {engine.Fail, "failed"}, {engine.Error, "with errors"}, {engine.Inconclusive, "inconclusive"}, {engine.Unsupported, "unsupported"}} {
		if n := t[p.v]; n > 0 {
			part := fmt.Sprintf("%d %s", n, p.word)
			if p.v == engine.Pass {
				part += passed
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
