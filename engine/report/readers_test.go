package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
)

// reader is a program of others that reads one of our formats; the test is skipped where
// it isn't installed.
func reader(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s isn't installed", name)
	}
	return path
}

// A TAP consumer counts what we count.
func TestProve(t *testing.T) {
	prove := reader(t, "prove")
	var b bytes.Buffer
	written(TAP(&b), &b, someRuns(), "")
	file := filepath.Join(t.TempDir(), "out.tap")
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(prove, "-v", "-e", "cat", file).CombinedOutput()
	if err == nil {
		t.Errorf("it takes failures for passes:\n%s", out)
	}
	if !regexp.MustCompile(`Failed tests?:\s+2-3, 5`).Match(out) || !strings.Contains(string(out), "Tests: 5 Failed: 3") {
		t.Errorf("prove says\n%s", out)
	}
}

// What we write as XML is XML.
func TestXMLLint(t *testing.T) {
	xmllint := reader(t, "xmllint")
	var b bytes.Buffer
	written(JUnit(&b), &b, someRuns(), "")
	cmd := exec.Command(xmllint, "--noout", "--xpath", "count(//testcase)", "-")
	cmd.Stdin = &b
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "5" {
		t.Errorf("%v: xmllint finds %s testcases, want 5", err, got)
	}
}

// Wireshark's reader takes a capture without a word, and sees what is in it.
func TestTShark(t *testing.T) {
	tshark := reader(t, "tshark")
	dir := t.TempDir()
	w := Captures(dir)
	syn := []byte{0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 168, 0, 1,
		0x88, 0xb9, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0x80, 0, 0, 0, 0, 0}
	run := Run{Script: "psh/a.pkt", Stack: "gostack", IPVersion: engine.IPv4, Source: []byte("0 < S 0:0(0) win 32768\n"), Outcome: &engine.Outcome{
		Verdict: engine.Pass,
		Packets: []engine.Packet{{At: time.Millisecond, Wall: 946684800*time.Second + time.Millisecond, Inbound: true, Data: syn, Lines: []int{1}, Kind: engine.EntryInject}},
	}}
	w.Begin(1)
	w.Run(run)
	w.End(Total{Tally: Tally{}})
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.pcapng"))
	if more, _ := filepath.Glob(filepath.Join(dir, "*.pcapng")); err != nil || len(files)+len(more) != 1 {
		t.Fatalf("%v %v %v", err, files, more)
	} else {
		files = append(files, more...)
	}
	var out, errs strings.Builder
	cmd := exec.Command(tshark, "-r", files[0], "-T", "fields", "-e", "tcp.dstport", "-e", "frame.time_epoch", "-e", "frame.comment")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	said := ""
	for line := range strings.Lines(errs.String()) {
		if !strings.HasPrefix(line, "Running as user") {
			said += line
		}
	}
	if err != nil || said != "" {
		t.Errorf("%v: tshark says %s", err, said)
	}
	if got := out.String(); !strings.HasPrefix(got, "8080\t946684800.001000000\t") || !strings.Contains(got, "line 1") {
		t.Errorf("tshark reads %q", got)
	}
}
