package golden

import (
	"path"
	"path/filepath"
	"slices"

	"tcpdrill/engine"
)

// A Result is what became of one script on several stacks. The first is the
// reference.
type Result struct {
	Script    string
	IPVersion engine.IPVersion
	Stacks    []StackResult
}

// A StackResult is what became of a script on one stack.
type StackResult struct {
	Stack   string
	Verdict engine.Verdict
	Why     string // it isn't a pass
	Trace   *Trace // nil if there is none: the script wasn't played there
	// Comparison is with the reference; nil for the reference itself and where one of
	// both has no trace.
	Comparison *Comparison
}

// NewResult compares traces of one script. A trace that is nil, or of a run that the
// stack refused, is compared with nothing.
func NewResult(scriptName string, v engine.IPVersion, runs []StackResult, opt Options) Result {
	r := Result{Script: scriptName, IPVersion: v, Stacks: runs}
	ref := &r.Stacks[0]
	if !ref.comparable() {
		return r
	}
	var traces []*Trace
	var of []int
	for i := 1; i < len(runs); i++ {
		if runs[i].comparable() {
			traces = append(traces, runs[i].Trace)
			of = append(of, i)
		}
	}
	for i, c := range Compare(ref.Trace, traces, opt) {
		r.Stacks[of[i]].Comparison = c
	}
	return r
}

// comparable reports whether the script was played.
func (s *StackResult) comparable() bool {
	return s.Trace != nil && (s.Verdict == engine.Pass || s.Verdict == engine.Fail)
}

// Agree reports whether all stacks to which the script could be played did the same.
func (r *Result) Agree() bool {
	return !slices.ContainsFunc(r.Stacks, func(s StackResult) bool { return s.Comparison != nil && !s.Comparison.Agree() })
}

// Compared reports whether anything was compared.
func (r *Result) Compared() bool {
	return slices.ContainsFunc(r.Stacks, func(s StackResult) bool { return s.Comparison != nil })
}

// played reports whether any stack could be played the script, or should have been.
func (r *Result) played() bool {
	return slices.ContainsFunc(r.Stacks, func(s StackResult) bool { return s.Verdict != engine.Unsupported })
}

// dir is the script's folder.
func (r *Result) dir() string { return path.Dir(filepath.ToSlash(r.Script)) }

// An agreement is how many scripts of some a stack does as the reference does.
type agreement struct{ compared, agree, sameVerdict int }

// A folder is what is known of the scripts of one.
type folder struct {
	name    string
	scripts int
	stacks  []agreement // but the first
}

// folders sums up by folder, in order of appearance; the last is of all.
func folders(results []Result) []folder {
	var out []folder
	at := map[string]int{}
	all := folder{name: "all"}
	for _, r := range results {
		i, ok := at[r.dir()]
		if !ok {
			i = len(out)
			at[r.dir()] = i
			out = append(out, folder{name: r.dir()})
		}
		out[i].add(&r)
		all.add(&r)
	}
	return append(out, all)
}

func (f *folder) add(r *Result) {
	f.scripts++
	if f.stacks == nil {
		f.stacks = make([]agreement, len(r.Stacks)-1)
	}
	for i, s := range r.Stacks[1:] {
		if s.Comparison == nil {
			continue
		}
		a := &f.stacks[i]
		a.compared++
		if s.Comparison.Agree() {
			a.agree++
		} else if s.Verdict == r.Stacks[0].Verdict {
			a.sameVerdict++
		}
	}
}
