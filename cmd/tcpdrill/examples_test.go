package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tcpdrill/script"
)

// examples are the files of all examples, from the top of the repository.
func examples(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../../examples/*/*.pkt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	return names
}

// The page on the examples lists each of them once, and nothing else.
func TestExamplesListed(t *testing.T) {
	page, err := os.ReadFile("../../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| \[[^\]]*\]\((.*?\.pkt)\) \| .+ \|$`).FindAllStringSubmatch(string(page), -1) {
		listed[row[1]]++
	}
	for _, name := range examples(t) {
		name = strings.TrimPrefix(filepath.ToSlash(name), "../../examples/")
		if listed[name] != 1 {
			t.Errorf("examples/README.md has %d rows for %s", listed[name], name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("examples/README.md lists %s, which isn't there", name)
	}
}

// On the built-in stacks examples pass, or differ as they say.
func TestExamplesPass(t *testing.T) {
	for _, stack := range []string{"gostack", "netstack"} {
		var out, errs strings.Builder
		if status := run([]string{"tcpdrill", "run", "--stack=" + stack, "../../examples"}, &out, &errs); status != 0 {
			t.Errorf("%s: exit status %d\n%s%s", stack, status, errs.String(), out.String())
		}
	}
}

// Each fault that the built-in stack can be given is noticed by an example, and without
// one they all pass.
func TestExamplesNoticeFaults(t *testing.T) {
	var out, errs strings.Builder
	status := run([]string{"tcpdrill", "mutate", "../../examples"}, &out, &errs)
	if status != 0 {
		t.Errorf("exit status %d\n%s%s", status, errs.String(), out.String())
	}
}

// Examples are without mistakes, in the printer's layout, and begin by saying what they
// show.
func TestExamplesAreInOrder(t *testing.T) {
	for _, name := range examples(t) {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, errs := script.Vet(name, src, nil, script.Setting{})
		if _, more := script.Differences(s); len(errs)+len(more) > 0 {
			t.Errorf("%s%s", errs.Render(src), more.Render(src))
			continue
		}
		if len(s.Comments) == 0 || s.Comments[0].Pos.Offset != 0 {
			t.Errorf("%s doesn't begin with a comment", name)
		}
		if text, err := script.Format(name, src); err != nil || string(text) != string(src) {
			t.Errorf("%s isn't laid out as tcpdrill fmt does: %v", name, err)
		}
	}
}
