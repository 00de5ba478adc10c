package script

import (
	"fmt"
	"strings"
	"testing"
)

// Headers end at an empty line, at the next one, and with the comment at the top.
func TestDifferences(t *testing.T) {
	const src = `// A comment. What differs is said below.
//
// Differs on netstack, passt: no delayed ACK
// (RFC 9293, 3.8.6.3).
// Differs on uml:6.12: a second: reason.
//
// Not this.
/* Differs on kernel: nor this. */

	//Differs on gostack,
	// uml: the names go on
// and so does the reason

--tolerance_usecs=4000
// Differs on kernel: too late.
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
`
	s, err := Parse("d.pkt", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, errs := Differences(s)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, d := range ds {
		got = append(got, fmt.Sprintf("%d:%d-%d:%d %q %s", d.Pos.Line, d.Pos.Column, d.EndPos.Line, d.EndPos.Column, d.Stacks, d.Reason))
	}
	want := []string{
		`3:4-4:24 ["netstack" "passt"] no delayed ACK (RFC 9293, 3.8.6.3).`,
		`5:4-5:42 ["uml:6.12"] a second: reason.`,
		`10:4-12:26 ["gostack" "uml"] the names go on and so does the reason`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for stack, want := range map[string]int{"passt": 3, "uml:6.12": 5, "uml:7.3": 10, "gostack": 10, "kernel": 0, "net": 0} {
		line := 0
		if d := DiffersOn(ds, Stack{Name: stack}); d != nil {
			line = d.Pos.Line
		}
		if line != want {
			t.Errorf("%s: header of line %d, want %d", stack, line, want)
		}
	}
}

// A header may be about versions.
func TestDifferenceOfVersion(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		on            bool
	}{
		{"kernel 6.12", "Linux 6.12.117, HZ=250", true},
		{"kernel 6.1", "Linux 6.12.117, HZ=250", false},
		{"kernel 6.1", "Linux 6.12.1, 6.1.9", true},
		{"kernel 6.12", "v6.12-rc2", true},
		{"kernel 6.12", "dev6.12", false},
		{"kernel 12.117", "Linux 6.12.117, HZ=250", true},
		{"kernel 2.117", "Linux 6.12.117, HZ=250", false},
		{"kernel   6.12", "Linux 6.12.117", true},
		{"kernel 0.0~git20230309", "passt 0.0~git20230309.7c7625d-1)", true},
		{"passt 6.12", "Linux 6.12", false},
		{"gostack, kernel 6.13, kernel", "Linux 6.12", true},
	} {
		s, err := Parse("d.pkt", []byte("// Differs on "+tt.name+": why.\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		ds, errs := Differences(s)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		d := DiffersOn(ds, Stack{Name: "kernel", Version: func() string { return tt.version }})
		if (d != nil) != tt.on {
			t.Errorf("%s, of %q: %v, want %v", tt.name, tt.version, d != nil, tt.on)
		}
	}
	for _, bad := range []string{"kernel of old", "kernel 6.12 6.13", "kernel later"} {
		s, err := Parse("d.pkt", []byte("// Differs on "+bad+": why.\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, errs := Differences(s); len(errs) != 1 || errs[0].Summary != "got "+bad+", want the name of a stack" {
			t.Errorf("%s: %v", bad, errs)
		}
	}
}

// A script that says on which stacks it runs isn't run on others.
func TestKeptOff(t *testing.T) {
	const src = `// Runs on passt, uml: why. It goes
// on.
// Differs on passt: it does.
// Runs on slirp: too.
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
`
	s, err := Parse("d.pkt", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, errs := Differences(s)
	if len(errs) > 0 || len(ds) != 3 {
		t.Fatal(ds, errs)
	}
	for stack, want := range map[string]int{"passt": 0, "passt:/usr/bin/passt": 0, "uml:6.12": 0, "slirp": 0, "kernel": 1} {
		line := 0
		if d := KeptOff(ds, Stack{Name: stack}); d != nil {
			line = d.Pos.Line
		}
		if line != want {
			t.Errorf("%s: kept off by line %d, want %d", stack, line, want)
		}
	}
	if d := DiffersOn(ds, Stack{Name: "slirp"}); d != nil {
		t.Errorf("differs on slirp: %+v", d)
	}
	if KeptOff(nil, Stack{Name: "kernel"}) != nil {
		t.Error("a script without a header is kept off")
	}
}

// A header that can't be read is an error at its place.
func TestDifferencesErrors(t *testing.T) {
	for header, want := range map[string]string{
		"// Differs on : why":                    "1:15-1:16 got :, want the name of a stack",
		"// Differs on: why":                     "1:14-1:15 got :, want the name of a stack",
		"// Differs on kernel,, uml: why":        "1:22-1:23 got ,, want the name of a stack",
		"// Differs on kernel, : why":            "1:23-1:24 got :, want the name of a stack",
		"// Differs on kernel and uml: why":      "1:15-1:29 got kernel and uml, want the name of a stack",
		"// Differs on Linux: why":               "1:15-1:20 got Linux, want the name of a stack",
		"// Differs on uml:: why":                "1:15-1:19 got uml:, want the name of a stack",
		"// Differs on kernel":                   "1:4-1:21 got the end of the header, want a colon and why the script differs",
		"// Differs on":                          "1:4-1:14 got the end of the header, want a colon and why the script differs",
		"// Runs on kernel":                      "1:4-1:18 got the end of the header, want a colon and why it doesn't run on others",
		"// Runs on Linux: why":                  "1:12-1:17 got Linux, want the name of a stack",
		"// Differs on kernel:":                  "1:22-1:22 got the end of the header, want why the script differs",
		"// Fine.\n//\n// Differs on kernel:why": "3:4-3:25 got the end of the header, want a colon and why the script differs",
		"// Differs on kernel,\n// Uml: why":     "2:4-2:7 got Uml, want the name of a stack",
	} {
		s, err := Parse("d.pkt", []byte(header+"\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		ds, errs := Differences(s)
		if len(ds) != 0 || len(errs) != 1 {
			t.Errorf("%q: %d headers, errors %v", header, len(ds), errs)
			continue
		}
		e := errs[0]
		if got := fmt.Sprintf("%d:%d-%d:%d %s", e.Pos.Line, e.Pos.Column, e.End.Line, e.End.Column, e.Summary); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}

// Words that only look like a header are none.
func TestNoDifferences(t *testing.T) {
	for _, comment := range []string{"// differs on kernel:", "// It Differs on :", "// Differs only slightly", "// Differs once: not here", "/* Differs on : */"} {
		s, err := Parse("d.pkt", []byte(comment+"\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if ds, errs := Differences(s); len(ds)+len(errs) != 0 {
			t.Errorf("%q: %v, %v", comment, ds, errs)
		}
	}
}
