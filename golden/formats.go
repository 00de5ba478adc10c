package golden

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Markdown writes the table for a page: a cell has a stack's verdict and what differs.
func Markdown(w io.Writer, results []Result, opt TextOptions) {
	if len(results) == 0 {
		return
	}
	head, rule := "| script |", "|---|"
	for _, s := range results[0].Stacks {
		head += " " + s.Stack + " |"
		rule += "---|"
	}
	fmt.Fprintf(w, "%s\n%s\n", head, rule)
	for _, r := range opt.shown(results) {
		line := "| " + strings.ReplaceAll(r.name(opt.Versions), "|", "\\|") + " |"
		for i, s := range r.Stacks {
			cell := string(s.Verdict)
			switch {
			case i > 0 && s.Comparison != nil && s.Comparison.Agree():
				cell += ": same"
			case len(s.statements()) > 0:
				cell += ": " + strings.Join(s.statements(), "; ")
			}
			line += " " + strings.ReplaceAll(cell, "|", "\\|") + " |"
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w)
	all := folders(results)
	for i, s := range results[0].Stacks[1:] {
		a := all[len(all)-1].stacks[i]
		fmt.Fprintf(w, "- %s does the same as %s in %d of %d scripts\n", s.Stack, results[0].Stacks[0].Stack, a.agree, a.compared)
	}
}

// A jsonLine is one stack's result for one script, as JSONL has it.
type jsonLine struct {
	Script      string           `json:"script"`
	IPVersion   string           `json:"ip_version"`
	Stack       string           `json:"stack"`
	Version     string           `json:"version,omitempty"`
	Verdict     string           `json:"verdict"`
	Detail      string           `json:"detail,omitempty"`
	Reference   string           `json:"reference"`
	RefVerdict  string           `json:"reference_verdict"`
	Compared    bool             `json:"compared"`
	Same        bool             `json:"same"`
	Differences []jsonDifference `json:"differences,omitempty"`
}

// A jsonDifference is one difference.
type jsonDifference struct {
	What string  `json:"what"`
	At   float64 `json:"at"` // seconds of script time
	Text string  `json:"text"`
}

// JSONL writes an object a line: of each stack but the reference, for each script.
func JSONL(w io.Writer, results []Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		for _, s := range r.Stacks[1:] {
			line := jsonLine{
				Script: r.Script, IPVersion: string(r.IPVersion), Stack: s.Stack, Verdict: string(s.Verdict),
				Detail: s.Why, Reference: r.Stacks[0].Stack, RefVerdict: string(r.Stacks[0].Verdict),
				Compared: s.Comparison != nil, Same: s.Comparison != nil && s.Comparison.Agree(),
			}
			if s.Trace != nil {
				line.Version = s.Trace.Version
			}
			if s.Comparison != nil {
				for _, d := range s.Comparison.Differences {
					line.Differences = append(line.Differences, jsonDifference{string(d.What), d.At.Seconds(), d.Text})
				}
			}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}
