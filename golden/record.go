package golden

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Check compares a recorded trace with one that was made now: exactly, to the last
// letter, where time is virtual.
func Check(recorded, now *Trace) *Comparison {
	exact := recorded.Virtual && now.Virtual
	ref := recorded.clone()
	ref.Stack = "the record"
	own := now.clone()
	c := Compare(ref, []*Trace{own}, Options{Exact: exact})[0]
	if exact && c.Agree() {
		// A cause that only one of them knows is no difference.
		learn(c.Rows)
		ref.Stack = recorded.Stack
		if line, was, is, differ := firstLine(ref.Bytes("."), own.Bytes(".")); differ {
			c.Differences = append(c.Differences, Difference{What: Script,
				Text: fmt.Sprintf("line %d is %q, was %q", line, is, was)})
		}
	}
	return c
}

// clone returns a copy whose segments are its own.
func (t *Trace) clone() *Trace {
	out := *t
	out.Events = slices.Clone(t.Events)
	for i := range out.Events {
		if s := out.Events[i].Segment; s != nil {
			own := *s
			out.Events[i].Segment = &own
		}
	}
	return &out
}

// learn gives the segments of both sides the causes that only the other knows.
func learn(rows []Row) {
	for _, r := range rows {
		if len(r.Differ) > 0 || len(r.Ref) != len(r.Own) {
			continue
		}
		for i, e := range r.Ref {
			a, b := e.Segment, r.Own[i].Segment
			if a == nil || b == nil {
				continue
			}
			a.Cause, b.Cause = cmp.Or(a.Cause, b.Cause), cmp.Or(b.Cause, a.Cause)
		}
	}
}

// firstLine returns the first line in which two texts differ.
func firstLine(was, is []byte) (line int, old, now string, differ bool) {
	a, b := strings.Split(string(was), "\n"), strings.Split(string(is), "\n")
	for i := range max(len(a), len(b)) {
		old, now = "", ""
		if i < len(a) {
			old = a[i]
		}
		if i < len(b) {
			now = b[i]
		}
		if old != now {
			return i + 1, old, now, true
		}
	}
	return 0, "", "", false
}

// SameSeries reports whether two traces are of the same stack, or of kernels of the
// same series: 6.12.9 and 6.12.41 are.
func SameSeries(a, b *Trace) bool { return series(a.Version) == series(b.Version) }

// series is a version without what changes from one release of a series to the next.
func series(version string) string {
	first, _, _ := strings.Cut(version, ",")
	name, number, ok := strings.Cut(first, " ")
	parts := strings.SplitN(number, ".", 3)
	if !ok || name != "Linux" || len(parts) < 2 {
		return version
	}
	return name + " " + parts[0] + "." + parts[1]
}

// Renew returns the trace to record where there is one already. Where time is real,
// what is the same within what times may be off stays as it was recorded, so that only
// real changes show.
func Renew(recorded, now *Trace) *Trace {
	if recorded.Virtual || now.Virtual || !SameSeries(recorded, now) {
		return now
	}
	recorded, now = recorded.clone(), now.clone()
	c := Compare(recorded, []*Trace{now}, Options{})[0]
	learn(c.Rows) // a cause that nobody knew before is worth having
	if c.Agree() && recorded.Verdict == now.Verdict && slices.Equal(recorded.Settings, now.Settings) {
		return recorded
	}
	kept := map[*Event]*Event{} // what is recorded of what there is now
	for _, r := range c.Rows {
		if len(r.Differ) == 0 && len(r.Ref) == len(r.Own) {
			for i, e := range r.Own {
				kept[e] = r.Ref[i]
			}
		}
	}
	out := *now
	out.Events = nil
	var shift, last time.Duration // by how much the input before came later now
	for i := range now.Events {
		e := now.Events[i]
		if old := kept[&now.Events[i]]; old != nil {
			if e.input() {
				shift = e.At - old.At
			}
			e = *old
		} else {
			e.At -= shift
			e.End -= shift
		}
		e.At = max(e.At, last) // in the order in which it happened
		last = e.At
		if e.Segment != nil {
			s := *e.Segment
			s.At = e.At
			e.Segment = &s
		}
		out.Events = append(out.Events, e)
	}
	out.Until -= shift
	return &out
}

// Find returns the files that paths name: files as they are, folders searched for those
// whose names end in ext, sorted.
func Find(paths []string, ext string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		n := len(files)
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(name, ext) {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == n {
			return nil, fmt.Errorf("%s: no %s files in this folder", p, ext)
		}
		slices.Sort(files[n:])
	}
	return files, nil
}

// Load reads the trace of a file.
func Load(name string) (*Trace, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Read(name, src)
}

// Save writes a trace to a file, if that changes it, and reports whether it did.
func Save(name string, t *Trace) (changed bool, err error) {
	text := t.Bytes(filepath.Dir(name))
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return false, err
	}
	return true, os.WriteFile(name, text, 0o666)
}

// A Recording is a set of traces that stands for a stack.
type Recording struct {
	Name   string
	traces []*Trace
}

// Open reads a recording: a file, or a folder of files.
func Open(path string) (*Recording, error) {
	files, err := Find([]string{path}, Ext)
	if err != nil {
		return nil, err
	}
	r := &Recording{Name: filepath.Base(path)}
	for _, f := range files {
		t, err := Load(f)
		if err != nil {
			return nil, err
		}
		r.traces = append(r.traces, t)
		if first := r.traces[0]; t.Stack != first.Stack {
			return nil, fmt.Errorf("%s has traces of more than one stack, of %s and %s: name the folder of one", path, first.Stack, t.Stack)
		}
	}
	return r, nil
}

// Of returns the trace of a script; nil if there is none. A recording that was carried
// from elsewhere is found by the end of the script's name.
func (r *Recording) Of(scriptName, ipVersion string) *Trace {
	var best *Trace
	length := 0
	for _, t := range r.traces {
		if string(t.IPVersion) != ipVersion {
			continue
		}
		// A name alone says little: many folders have a simple.pkt.
		n := commonEnd(scriptName, t.Script)
		if n > length && (n > 1 || !strings.ContainsAny(filepath.ToSlash(scriptName), "/") || sameFile(scriptName, t.Script)) {
			best, length = t, n
		}
	}
	return best
}

// sameFile reports whether two names are of one file.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// commonEnd is how many parts, from the last, two names have in common.
func commonEnd(a, b string) (n int) {
	x := strings.Split(filepath.ToSlash(filepath.Clean(a)), "/")
	y := strings.Split(filepath.ToSlash(filepath.Clean(b)), "/")
	for n < min(len(x), len(y)) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}
