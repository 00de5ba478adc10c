package main

import (
	"os"
	"strings"
	"testing"
)

// The README's table of three stacks is what its command prints, of the kernel's recorded
// traces and the stacks as they are. UPDATE=1 writes it.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	const name, from, to = "README.md", "<!-- three stacks -->\n", "<!-- end -->"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), from)
	table, after, ok2 := strings.Cut(rest, to)
	_, section, ok3 := strings.Cut(before, "\n## Three stacks\n")
	if !ok || !ok2 || !ok3 {
		t.Fatal("there is no such table")
	}
	var out, errs strings.Builder
	command := strings.Fields(strings.SplitN(strings.TrimSpace(section), "\n", 2)[0])
	if status := run(command, &out, &errs); status != exitFail || errs.String() != "" {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	if out.String() == table {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("the table isn't what %q prints; UPDATE=1 go test -run TestReadme ./cmd/tcpdrill writes it:\n%s", command, out.String())
	}
	if err := os.WriteFile(name, []byte(before+from+out.String()+to+after), 0o666); err != nil {
		t.Fatal(err)
	}
}
