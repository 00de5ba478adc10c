package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"tcpdrill/engine"
)

// JUnit writes XML as CI systems show it, when all is done: a testsuite for each
// folder and stack, a testcase for each run.
func JUnit(w io.Writer) Writer { return &junitWriter{w: w} }

// A junitWriter keeps all runs until the end, as the counts stand first.
type junitWriter struct {
	w      io.Writer
	began  time.Time
	total  int
	suites []*junitSuite
}

type junitSuites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []*junitSuite
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []*junitCase

	seconds float64
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	XMLName   xml.Name `xml:"testcase"`
	Name      string   `xml:"name,attr"`
	Class     string   `xml:"classname,attr"`
	File      string   `xml:"file,attr,omitempty"`
	Line      int      `xml:"line,attr,omitempty"`
	Time      string   `xml:"time,attr"`
	Result    *junitResult
	SystemOut string `xml:"system-out,omitempty"`
	SystemErr string `xml:"system-err,omitempty"`
}

// A junitResult is a failure, an error or skipped.
type junitResult struct {
	XMLName xml.Name
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Detail  string `xml:",chardata"`
}

func (j *junitWriter) Begin(total int) { j.began, j.total = time.Now(), total }

func (j *junitWriter) Run(r Run) {
	s := j.suite(r)
	o := r.Outcome
	c := &junitCase{
		Name:  strings.TrimPrefix(r.name(), r.Script[:len(r.Script)-len(path.Base(filepath.ToSlash(r.Script)))]),
		Class: class(r.Script), File: filepath.ToSlash(r.Script),
		Time: fmt.Sprintf("%.6f", r.Seconds), SystemOut: o.Output,
	}
	if f, ok := r.first(); ok {
		c.Line = f.Line
	}
	if o.Verdict != engine.Pass {
		c.Result = &junitResult{Type: string(o.Verdict), Message: r.brief(), Detail: r.detail()}
	}
	switch o.Verdict {
	case engine.Fail:
		c.Result.XMLName.Local = "failure"
		s.Failures++
	case engine.Error, engine.Inconclusive:
		c.Result.XMLName.Local = "error"
		s.Errors++
	case engine.Unsupported:
		c.Result.XMLName.Local = "skipped"
		s.Skipped++
	}
	var b bytes.Buffer
	if r.Differs != "" {
		fmt.Fprintln(&b, r.differs())
	}
	Warnings(&b, r)
	if r.Reruns > 0 {
		fmt.Fprintf(&b, "run %d times: the harness was late\n", r.Reruns+1)
	}
	c.SystemErr = b.String()
	s.add(c, r.Seconds)
}

func (s *junitSuite) add(c *junitCase, seconds float64) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.seconds += seconds
}

// suite returns the testsuite of a run's folder and stack.
func (j *junitWriter) suite(r Run) *junitSuite {
	folder := path.Dir(filepath.ToSlash(r.Script))
	name := fmt.Sprintf("%s (%s)", folder, r.Stack)
	for _, s := range j.suites {
		if s.Name == name {
			return s
		}
	}
	s := &junitSuite{Name: name, Properties: []junitProperty{{"stack", r.Stack}, {"folder", folder}}}
	j.suites = append(j.suites, s)
	return s
}

// class is what a script's folder is called where classes are expected.
func class(script string) string {
	folder := path.Dir(filepath.ToSlash(script))
	for strings.HasPrefix(folder, "../") {
		folder = folder[3:]
	}
	folder = strings.Trim(folder, "./")
	if folder == "" {
		return "tcpdrill"
	}
	return strings.ReplaceAll(folder, "/", ".")
}

func (j *junitWriter) End(all Total) {
	if all.Interrupted != "" {
		// What is green so far must not be taken for the whole.
		s := &junitSuite{Name: "interrupted", Errors: 1}
		s.add(&junitCase{Name: "interrupted", Class: "tcpdrill", Time: "0", Result: &junitResult{
			XMLName: xml.Name{Local: "error"}, Type: "interrupted",
			Message: fmt.Sprintf("interrupted at %s: %d of %d were run", all.Interrupted, all.Tally.Total(), j.total),
		}}, 0)
		j.suites = append(j.suites, s)
	}
	top := junitSuites{Name: "tcpdrill", Time: fmt.Sprintf("%.3f", all.Took.Seconds()), Suites: j.suites}
	for _, s := range j.suites {
		s.Time = fmt.Sprintf("%.3f", s.seconds)
		s.Timestamp = j.began.UTC().Format("2006-01-02T15:04:05")
		top.Tests += s.Tests
		top.Failures += s.Failures
		top.Errors += s.Errors
	}
	// Characters that XML can't have are replaced.
	text, err := xml.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // none of the types can fail
	}
	// Lines are the same to programs, and people can read them.
	text = bytes.ReplaceAll(text, []byte("&#xA;"), []byte("\n"))
	fmt.Fprintf(j.w, "%s%s\n", xml.Header, text)
}
