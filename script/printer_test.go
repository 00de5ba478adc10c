package script

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// difference returns the path to the first difference of two trees apart from
// places, or "".
func difference(a, b reflect.Value, path string) string {
	if a.Kind() != b.Kind() || a.Type() != b.Type() {
		return fmt.Sprintf("%s: %v and %v", path, a.Type(), b.Type())
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return path + ": nil on one side"
			}
			return ""
		}
		return difference(a.Elem(), b.Elem(), path)
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d elements", path, a.Len(), b.Len())
		}
		for i := range a.Len() {
			if d := difference(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if f.Type == reflect.TypeFor[Position]() || f.Type == reflect.TypeFor[Range]() || !f.IsExported() || f.Name == "Source" && f.Type.Kind() == reflect.Slice {
				continue
			}
			if d := difference(a.Field(i), b.Field(i), path+"."+f.Name); d != "" {
				return d
			}
		}
	default:
		if a.Interface() != b.Interface() {
			return fmt.Sprintf("%s: %#v and %#v", path, a, b)
		}
	}
	return ""
}

// roundTrip checks that src prints as a script with the same tree, which prints as itself.
func roundTrip(t *testing.T, name string, src []byte, defines Defines) {
	t.Helper()
	print := func(s *Script) string {
		var b strings.Builder
		if err := Print(&b, s); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	s, err := Parse(name, src, defines)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	once := print(s)
	again, err := Parse(name, []byte(once), defines)
	if err != nil {
		t.Fatalf("Parse after Print: %v\n%s", err, once)
	}
	if d := difference(reflect.ValueOf(s), reflect.ValueOf(again), "Script"); d != "" {
		t.Errorf("%s: other tree after Print: %s\n%s", name, d, once)
	}
	if twice := print(again); twice != once {
		t.Errorf("%s: other text when printed again:\n%s\nand then\n%s", name, once, twice)
	}
	fromScript := Defines{}
	for _, o := range s.Options {
		if symbol, value, ok := strings.Cut(o.Value, "="); ok && o.Name == "define" {
			fromScript[symbol] = value
		}
	}
	defines = defines.merge(fromScript)
	for _, e := range s.Events {
		text := FormatEvent(e)
		one, err := Parse(name, []byte(text), defines)
		if err != nil {
			t.Errorf("%s: FormatEvent gives %s: %v", name, text, err)
		} else if d := difference(reflect.ValueOf(e), reflect.ValueOf(one.Events[0]), "Event"); d != "" {
			t.Errorf("%s: FormatEvent gives %s: %s", name, text, d)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// golden compares got with a file, or rewrites the file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// TestFormat prints each sample as its .golden file has it: together they have
// every construct of the language.
func TestFormat(t *testing.T) {
	paths, err := filepath.Glob("testdata/samples/*.pkt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, path, src, nil)
		text, err := Format(path, src)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, strings.TrimSuffix(path, ".pkt")+".golden", string(text))
	}
}

// TestPrintBuilt prints nodes that no parser made.
func TestPrintBuilt(t *testing.T) {
	ack := Int{Value: 1}
	event := &Event{
		Time: Time{Kind: RelativeRange, Start: 100 * time.Millisecond, End: 1500 * time.Millisecond},
		Packet: &Packet{Direction: Outbound, IP: &IPInfo{Square: true, ECN: ECNAsTOS, TOS: Int{Value: 16}}, TCP: &TCP{
			Flags: "P.", ACE: 5, Seq: SeqRange{First: Int{Value: 1}, Last: Int{Value: 11}, Length: Int{Value: 10}}, Ack: &ack,
			Options: []*TCPOption{{Kind: OptNOP}, {Kind: OptWScale, Value: Int{Value: 7}}},
		}},
	}
	if got, want := FormatEvent(event), "+.1~+1.5 > [tos 0x10] P.5 1:11(10) ack 1 <nop,wscale 7>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	script := &Script{
		Options: []*Option{{Name: "local_ip", Value: "fd00::1", HasValue: true}, {Name: "mss", Value: "1000", HasValue: true}},
		Events: []*Event{
			{Time: Time{Kind: Absolute}, Call: &Call{Name: "read", Args: []Expr{Int{Value: 3}, Ellipsis{}, Or{Left: Word{Name: "A"}, Right: Word{Name: "B"}}}, Result: Int{Value: -1}, Errno: "EAGAIN", HasNote: true, Note: "again"}},
			{Time: Time{Kind: Any}, Packet: &Packet{Direction: Outbound, UDP: &UDP{Length: Int{Value: 5}}}},
			{Time: Time{Kind: Relative}, Code: &Code{Text: "assert True"}},
			{Time: Time{Kind: Relative}, Command: &Command{Line: "true"}},
		},
	}
	const want = "--local_ip=\"fd00::1\"\n--mss=1000\n" +
		"    0 read(3, ..., A|B) = -1 EAGAIN (again)\n    * > udp (5)\n   +0 %{ assert True }%\n   +0 `true`\n"
	var b strings.Builder
	if err := Print(&b, script); err != nil || b.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, b.String(), want)
	}
	// What was parsed and then changed prints as it is now.
	changed := parseEvent(t, "0 > S5. 1:1(0)", nil)
	changed.Packet.TCP.Flags = "F."
	if got, want := FormatPacket(changed.Packet), "> F.5 1:1(0)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Additions to packetdrill's language, which it can't confirm, print as themselves.
func TestPrintAdditions(t *testing.T) {
	for _, line := range []string{
		`+0 > P. 1:1001(1000) ack 1 stream`,
		`+0 > . 1:1(0) ack 1 win 10 <...> stream cause "write"`,
		`+0 > . 1:1(0) ack 1 cause "write"`,
	} {
		roundTrip(t, "a.pkt", []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"+line+"\n"), nil)
		s, err := Parse("a.pkt", []byte(line+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Events[0].Packet.TCP; got.Stream != strings.Contains(line, " stream") {
			t.Errorf("%s: stream is %v", line, got.Stream)
		}
	}
}
