package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
)

// A Result is a run that was read back.
type Result struct {
	Run
	Place string // where it stood: "shard1.jsonl:12"
	// Whole is how many runs all shards of its suite have, 0 if it is of no shard.
	Whole int
}

// ReadJSONL reads results as JSONL writes them; name is the file's, for errors.
func ReadJSONL(r io.Reader, name string) ([]Result, error) {
	var out []Result
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if text = strings.TrimSpace(text); text != "" {
			one, bad := readLine(text)
			one.Place = fmt.Sprintf("%s:%d", name, n)
			if bad != nil {
				return nil, fmt.Errorf("%s: %w", one.Place, bad)
			}
			out = append(out, one)
		}
		if err == io.EOF {
			return out, nil
		}
	}
}

// readLine reads a line.
func readLine(text string) (one Result, err error) {
	var l jsonlLine
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return one, fmt.Errorf("not a result: %w", err)
	}
	v := engine.Verdict(l.Verdict)
	switch {
	case l.Script == "":
		return one, errors.New("not a result: there is no script")
	case words[v] == "":
		return one, fmt.Errorf("not a result: want a verdict, got %q", l.Verdict)
	}
	o := &engine.Outcome{Verdict: v, Duration: time.Duration(l.StackSeconds * float64(time.Second))}
	if l.Detail != "" || v != engine.Pass {
		f := engine.Failure{Verdict: v, Line: l.Line}
		f.Column, f.Summary = summary(l)
		o.Failures = []engine.Failure{f}
	}
	return Result{
		Run: Run{
			Script: l.Script, Stack: l.Stack, IPVersion: engine.IPVersion(l.IPVersion), Outcome: o,
			Seconds: l.Seconds, Reruns: l.Reruns, Repeat: l.Repeat, Detail: l.Detail, Differs: l.Differs,
		},
		Whole: l.Total,
	}, nil
}

// summary takes a failure's column and summary from the first line of what is said
// of it: "a.pkt:5:4: inconclusive: wrong packet: win differs".
func summary(l jsonlLine) (column int, text string) {
	text, _, _ = strings.Cut(l.Detail, "\n")
	text = strings.TrimPrefix(text, l.Script)
	text = strings.TrimPrefix(text, fmt.Sprintf(":%d", l.Line))
	if after, ok := strings.CutPrefix(text, ":"); ok {
		if digits, rest, ok := strings.Cut(after, ":"); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				column, text = n, ":"+rest
			}
		}
	}
	text = strings.TrimPrefix(text, ": ")
	return column, strings.TrimPrefix(text, l.Verdict+": ")
}
