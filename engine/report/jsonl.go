package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"time"
)

// A jsonlLine is one result, as other programs read it.
type jsonlLine struct {
	Script       string  `json:"script"`
	Stack        string  `json:"stack"`
	IPVersion    string  `json:"ip_version"`
	Verdict      string  `json:"verdict"`
	Line         int     `json:"line"`
	Seconds      float64 `json:"seconds"`
	StackSeconds float64 `json:"stack_seconds"`
	Reruns       int     `json:"reruns"`
	Detail       string  `json:"detail"`
}

// JSONL writes an object a line, for other programs.
func JSONL(w io.Writer) Writer { return &jsonlWriter{w} }

// A jsonlWriter writes an object a line.
type jsonlWriter struct{ w io.Writer }

func (j *jsonlWriter) Run(r Run) {
	o := r.Outcome
	line := jsonlLine{
		Script: r.Script, Stack: r.Stack, IPVersion: string(r.IPVersion), Verdict: string(o.Verdict),
		Seconds:      round(r.Seconds, 1e6),
		Reruns:       r.Reruns,
		StackSeconds: round(o.Duration.Seconds(), 1e4),
	}
	if len(o.Failures) > 0 {
		line.Line = o.Failures[0].Line
		var b bytes.Buffer
		Failure(&b, r, false)
		line.Detail = strings.TrimRight(b.String(), "\n")
	}
	enc := json.NewEncoder(j.w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(line)
}

func (j *jsonlWriter) End(Tally, time.Duration) {}

// round rounds to 1/unit.
func round(f, unit float64) float64 { return math.Round(f*unit) / unit }
