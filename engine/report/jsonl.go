package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
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
	// Why the script was expected to differ, if it did.
	Differs string `json:"differs,omitempty"`
	// Which run of the same it is, from 1; not there if each is run once.
	Repeat int `json:"repeat,omitempty"`
	// How many lines all shards have; not there if there are none.
	Total int `json:"total,omitempty"`
}

// JSONL writes an object a line, for other programs. If what is run is a shard,
// whole is how many runs all shards have, else 0.
func JSONL(w io.Writer, whole int) Writer { return &jsonlWriter{w, whole} }

// A jsonlWriter writes an object a line.
type jsonlWriter struct {
	w     io.Writer
	whole int
}

func (j *jsonlWriter) Begin(int) {}

func (j *jsonlWriter) Run(r Run) {
	o := r.Outcome
	line := jsonlLine{
		Script: r.Script, Stack: r.Stack, IPVersion: string(r.IPVersion), Verdict: string(o.Verdict),
		Seconds:      round(r.Seconds, 1e6),
		Reruns:       r.Reruns,
		StackSeconds: round(o.Duration.Seconds(), 1e4),
		Differs:      r.Differs,
		Repeat:       r.Repeat,
		Total:        j.whole,
	}
	if f, ok := r.first(); ok {
		line.Line = f.Line
		line.Detail = r.detail()
	}
	enc := json.NewEncoder(j.w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(line)
}

func (j *jsonlWriter) End(Total) {}

// detail is all that is said of a run that didn't pass, without what is only said
// with -v.
func (r Run) detail() string {
	var b bytes.Buffer
	Failure(&b, r, false)
	return strings.TrimRight(b.String(), "\n")
}

// round rounds to 1/unit.
func round(f, unit float64) float64 { return math.Round(f*unit) / unit }
