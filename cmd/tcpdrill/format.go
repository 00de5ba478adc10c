package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"tcpdrill/engine/report"
)

// newWriter returns what writes results in a format. If they are of a shard, whole is
// how many runs all shards have.
func newWriter(w io.Writer, format string, text report.TextOptions, whole int) report.Writer {
	switch format {
	case "jsonl":
		return report.JSONL(w, whole)
	case "tap":
		return report.TAP(w)
	case "junit":
		return report.JUnit(w)
	}
	return report.Text(w, text)
}

// annotated is a writer that, on GitHub and of text, shows results at the scripts'
// lines, too.
func (c *console) annotated(w report.Writer, format string) report.Writer {
	if format != "text" || os.Getenv("GITHUB_ACTIONS") != "true" {
		return w
	}
	return report.Tee(w, report.GitHub(c.stdout, os.Getenv("GITHUB_WORKSPACE")))
}

// terminal returns standard output if it is a terminal on which lines may be drawn
// anew and in colour, else nil.
func (c *console) terminal() *os.File {
	w := c.stdout
	if out, ok := w.(*output); ok {
		w = out.w
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return f
}
