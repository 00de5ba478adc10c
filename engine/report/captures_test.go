package report

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/pcapng"
)

// A file's name says which run it is of. None leads out of the folder, and no run
// overwrites another's.
func TestCaptureNames(t *testing.T) {
	c := Captures("out")
	for _, tt := range []struct{ script, stack, want string }{
		{"a/b.pkt", "kernel", "a/b.kernel.ipv4.pcapng"},
		{"./a//b.pkt", "kernel", "a/b.kernel.ipv4-2.pcapng"},
		{"A/B.pkt", "kernel", "A/B.kernel.ipv4-3.pcapng"},
		{"../../etc/b.pkt", "gostack", "etc/b.gostack.ipv4.pcapng"},
		{"/tmp/b.pkt", "uml:6.12", "tmp/b.uml_6.12.ipv4.pcapng"},
		{"/tmp/b.pkt", "uml:/home/me/linux", "tmp/b.linux.ipv4.pcapng"},
		{"odd:*.name", "kernel", "odd__.name.kernel.ipv4.pcapng"},
		{"..", "kernel", "script.kernel.ipv4.pcapng"},
	} {
		if got := c.name(Run{Script: tt.script, Stack: tt.stack, IPVersion: engine.IPv4}); got != tt.want {
			t.Errorf("%s on %s: %s, want %s", tt.script, tt.stack, got, tt.want)
		}
	}
}

// A packet's comment says which line it is of and what is wrong with it.
func TestCaptureComments(t *testing.T) {
	o := &engine.Outcome{Verdict: engine.Fail}
	o.Failures = []engine.Failure{{
		Line: 9, Column: 4, Summary: "wrong packet: flags and options differ",
		Want: []engine.Token{{Field: "flags", Text: "P.", Differ: true}, {Field: "ack", Text: "ack 1"}},
		Got:  []engine.Token{{Field: "flags", Text: ".", Differ: true}, {Field: "ack", Text: "ack 1"}, {Field: "option 0", Text: "<nop>", Differ: true}},
	}}
	o.Packets = []engine.Packet{
		{Inbound: true, Kind: engine.EntryInject, Lines: []int{3}},
		{Kind: engine.EntryMatch, Lines: []int{4}, Cause: "tlp"},
		{Kind: engine.EntryMatch, Lines: []int{5, 6}, GSO: engine.GSO{Type: engine.GSOTCPv4, Size: 1000}},
		{Kind: engine.EntryWrong, Lines: []int{9}},
		{Kind: engine.EntryExtra},
		{Kind: engine.EntryOther},
		{Kind: engine.EntryExtra, Data: append([]byte{0x45, 0, 0, 20, 0, 7, 0, 185, 64, 17}, make([]byte, 10)...)},
	}
	for i := range o.Packets {
		o.Packets[i].Wall = time.Hour
		if o.Packets[i].Data == nil {
			o.Packets[i].Data = []byte{0x45, byte(i)}
		}
	}
	dir := t.TempDir()
	c := Captures(dir)
	c.Run(Run{Script: "x.pkt", Stack: "gostack", IPVersion: engine.IPv6, Outcome: o})
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
	b, err := os.ReadFile(filepath.Join(dir, "x.gostack.ipv6.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapng.NewReader(bytes.NewReader(b))
	var got []string
	for err == nil {
		var p pcapng.Packet
		if p, err = r.Next(); err == nil {
			got = append(got, p.Comment)
			if (p.Direction == pcapng.Inbound) != (len(got) == 1) || p.Link != pcapng.Raw || p.Time != time.Hour {
				t.Errorf("packet %d: %+v", len(got), p)
			}
		}
	}
	want := []string{
		"line 3: injected",
		"line 4: expected, matches; cause: tlp",
		"lines 5, 6: expected, matches; super-segment, gso_size 1000",
		"line 9: wrong packet: flags and options differ: want P. got ., want nothing got <nop>",
		"no line expected this",
		"of no socket that the script is about",
		"no line expected this; an IP fragment",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got, want := r.Comment(), "x.pkt (gostack, ipv6): fail\nx.pkt:9:4: wrong packet: flags and options differ"; got != want {
		t.Errorf("the section says %q, want %q", got, want)
	}
}

// A folder that can't be made is an error, once.
func TestCaptureError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	c := Captures(file)
	for range 2 {
		c.Run(Run{Script: "x.pkt", Outcome: &engine.Outcome{}})
	}
	if c.Err() == nil {
		t.Error("no error")
	}
}
