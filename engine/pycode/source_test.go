package pycode

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"tcpdrill/script"
)

func TestSource(t *testing.T) {
	p, err := Parse([]Block{
		{"cwnd = 10", script.Position{Filename: "a.pkt", Line: 3, Column: 5}},
		{"print 'a', cwnd\nif cwnd: print 'x' * \\\n  2,; print tcpi_rto # 3\n" +
			"print (cwnd); \\", script.Position{Filename: "a.pkt", Line: 7, Column: 9, Offset: 70}},
		{"import os\nprint [x for x in (1, 2)][1]; print 'q', cwnd\nassert cwnd == tcpi_rto, cc\n", script.Position{Filename: "a.pkt", Line: 20, Column: 1}},
		{"never reached", script.Position{}},
	}[:3])
	if err != nil {
		t.Fatal(err)
	}
	source := p.Source([][]Var{nil, {{"tcpi_rto", uint64(1<<64 - 1)}}, {{"cc", "re'no"}, {"gain", 1.5}}})
	for _, want := range []string{
		"\nTCP_ESTABLISHED = 1\n", "\ntcpi_rto = 18446744073709551615\n", "\ncc = \"re'no\"\n", "\ngain = float('1.5')\n",
		"\nprint('a', cwnd)\nif cwnd: print('x' * \\\n  2, end=' '); print(tcpi_rto) # 3\nprint (cwnd); \\\n\n",
	} {
		if !strings.Contains(source.Text, want) {
			t.Errorf("no %q in:\n%s", want, source.Text)
		}
	}
	for i, line := range strings.Split(source.Text, "\n") {
		pos, ok := source.Position(i + 1)
		want := 0
		switch {
		case strings.HasPrefix(line, "cwnd = 10"):
			want = 3
		case strings.HasPrefix(line, "print('a', cwnd)"):
			want = 7
		case strings.HasPrefix(line, "if cwnd"):
			want = 8
		case strings.HasPrefix(line, "assert cwnd"):
			want = 22
		case strings.HasPrefix(line, "tcpi_rto = "), strings.HasPrefix(line, "import sys"):
			if ok {
				t.Errorf("line %q is at %v", line, pos)
			}
		}
		if want != 0 && (!ok || pos.Line != want || pos.Filename != "a.pkt") {
			t.Errorf("line %q is at %v, want line %d", line, pos, want)
		}
	}
	if _, ok := source.Position(10000); ok {
		t.Error("line 10000 is somewhere")
	}

	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run the source")
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(python, "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(source.Text), &stdout, &stderr
	if err := cmd.Run(); err == nil {
		t.Error("the assert didn't fail")
	}
	if got, want := stdout.String(), "a 10\nxx 18446744073709551615\n10\n"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	at, message, ok := source.Locate(stderr.String())
	if !ok || at.Line != 22 || message != "AssertionError: re'no" {
		t.Errorf("got %v, %q, %v of\n%s", at, message, ok, &stderr)
	}
}

func TestSourceOfFewerSnapshots(t *testing.T) {
	p, err := Parse([]Block{{"a = 1", pos}, {"b = 1", pos}})
	if err != nil {
		t.Fatal(err)
	}
	if text := p.Source([][]Var{nil}).Text; !strings.Contains(text, "a = 1") || strings.Contains(text, "b = 1") {
		t.Errorf("got\n%s", text)
	}
}

func TestLocateElsewhere(t *testing.T) {
	s := parseOne(t, "x = 1").Source([][]Var{nil})
	if pos, message, ok := s.Locate("sh: python3: not found\n"); ok || message != "sh: python3: not found" {
		t.Errorf("got %v, %q, %v", pos, message, ok)
	}
}
