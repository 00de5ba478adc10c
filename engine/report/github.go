package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"tcpdrill/engine"
)

// GitHub writes the lines by which GitHub Actions show results at the scripts' lines:
// an error for each run that failed, a warning for each that is inconclusive.
// Scripts are named as in the repository, which is checked out in the folder
// workspace.
func GitHub(w io.Writer, workspace string) Writer { return &githubWriter{w, workspace} }

type githubWriter struct {
	w         io.Writer
	workspace string
}

func (g *githubWriter) Begin(int) {}

func (g *githubWriter) Run(r Run) {
	command := ""
	switch r.Outcome.Verdict {
	case engine.Fail, engine.Error:
		command = "error"
	case engine.Inconclusive:
		command = "warning"
	default:
		return
	}
	at := "file=" + githubProperty(g.file(r.Script))
	if f, ok := r.first(); ok && f.Line > 0 {
		at += fmt.Sprintf(",line=%d", f.Line)
		if f.Column > 0 {
			at += fmt.Sprintf(",col=%d", f.Column)
		}
	}
	title := fmt.Sprintf("%s %s", words[r.Outcome.Verdict], r.name())
	message, _, _ := strings.Cut(r.detail(), "\n  timeline\n") // the log has it
	fmt.Fprintf(g.w, "::%s %s,title=%s::%s\n", command, at, githubProperty(title), githubText(message))
}

func (g *githubWriter) End(Total) {}

// file is a script's name in the repository.
func (g *githubWriter) file(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil || g.workspace == "" {
		return name
	}
	rel, err := filepath.Rel(g.workspace, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return name
	}
	return filepath.ToSlash(rel)
}

// What ends a message, or a property of it, is escaped as toolkit's command.ts does.
var (
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
)
