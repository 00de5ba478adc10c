package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"

	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
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

// A jsonlWriter writes an object a line.
type jsonlWriter struct{ w io.Writer }

func (j *jsonlWriter) result(r suite.Result) {
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
		report.Failure(&b, r.Run, false)
		line.Detail = strings.TrimRight(b.String(), "\n")
	}
	enc := json.NewEncoder(j.w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(line)
}

func (j *jsonlWriter) end(*tally) {}

// round rounds to 1/unit.
func round(f, unit float64) float64 { return math.Round(f*unit) / unit }

var _ resultWriter = (*jsonlWriter)(nil)
