package script

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// corpus returns the .pkt files below the folders in TCPDRILL_CORPUS.
func corpus(t testing.TB) []string {
	t.Helper()
	folders := os.Getenv("TCPDRILL_CORPUS")
	if folders == "" {
		t.Skip("TCPDRILL_CORPUS isn't set to folders with .pkt files")
	}
	var files []string
	for _, folder := range filepath.SplitList(folders) {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".pkt") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// corpusDefines are the symbols that the runners of packetdrill's own scripts define.
var corpusDefines = Defines{
	"TFO_COOKIE":        "3021b9d889017eeb",
	"TFO_COOKIE_ZERO":   "b7c12350a90dc8f5",
	"CODE":              "host_unreachable",
	"CMSG_LEVEL_IP":     "SOL_IP",
	"CMSG_TYPE_RECVERR": "IP_RECVERR",
	"MSS":               "1460",
}

// upstreamFolder is in the path of each of packetdrill's own scripts, all of which
// parse; of other suites some don't, as they are written for other programs.
const upstreamFolder = "/gtests/net/"

func TestParseCorpus(t *testing.T) {
	parsed := 0
	for _, path := range corpus(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(path, src, corpusDefines)
		if err != nil {
			if strings.Contains(path, upstreamFolder) {
				t.Error(err)
			}
			continue
		}
		parsed++
		roundTrip(t, path, src, corpusDefines)
		if !strings.Contains(path, upstreamFolder) {
			continue
		}
		for _, e := range Check(s) {
			t.Error(e)
		}
	}
	t.Logf("%d scripts parse", parsed)
}

// parseEvent parses a script of one event.
func parseEvent(t *testing.T, text string, defines Defines) *Event {
	t.Helper()
	s, err := Parse("test.pkt", []byte(text), defines)
	if err != nil {
		t.Fatal(err)
	}
	return s.Events[0]
}

func TestTimes(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		text string
		want Time
	}{
		{"0", Time{Kind: Absolute}},
		{"1", Time{Kind: Absolute, Start: 1000 * ms}},
		{".25", Time{Kind: Absolute, Start: 250 * ms}},
		{"0.000000001", Time{Kind: Absolute, Start: 1}},
		{"0.0000000019", Time{Kind: Absolute, Start: 1}},
		{"+.1", Time{Kind: Relative, Start: 100 * ms}},
		{"+1.001", Time{Kind: Relative, Start: 1001 * ms}},
		{"-.5", Time{Kind: Absolute, Start: -500 * ms}},
		{"*", Time{Kind: Any}},
		{"1~1.5", Time{Kind: AbsoluteRange, Start: 1000 * ms, End: 1500 * ms}},
		{"+.1~+.2", Time{Kind: RelativeRange, Start: 100 * ms, End: 200 * ms}},
	} {
		got := parseEvent(t, test.text+" > . 1:1(0)", nil).Time
		got.Range, got.StartText, got.EndText = Range{}, "", ""
		if got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.text, got, test.want)
		}
	}
	call := parseEvent(t, "+.01...0.011 connect(3, ..., ...) = 0", nil).Call
	if !call.Blocking || call.End != 11*ms {
		t.Errorf("blocking call ends at %v, want 11ms", call.End)
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		text, flags string
		ace         int
	}{
		{"S", "S", -1},
		{"S.", "S.", -1},
		{".", ".", -1},
		{"-", "", -1},
		{"FPU.", "FPU.", -1},
		{"SEWA", "SEWA", -1},
		{".5", ".", 5},
		{"S.5", "S.", 5},
		{"S5.", "S.", 5},
		{"S5", "S", 5},
		{"5S", "S", 5},
		{"P.0", "P.", 0},
	} {
		got := parseEvent(t, "0 > "+test.text+" 1:1(0)", nil).Packet.TCP
		if got.Flags != test.flags || got.ACE != test.ace {
			t.Errorf("%s: got %q and ACE %d, want %q and %d", test.text, got.Flags, got.ACE, test.flags, test.ace)
		}
	}
}

// TestTokens has the cases in which the longest match isn't the first.
func TestTokens(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"1:1001(1000)", "1 : 1001 ( 1000 )"},
		{"1::2", "1::2"},
		{"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8 : 9"},
		{"2001:db8::1:", "2001:db8::1 :"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"12345::1", "12345 ::1"},
		{"1.2.3.4.5", "1.2.3.4 .5"},
		{"1.2.3", "1.2 .3"},
		{"0...0.2", "0 ... 0.2"},
		{"1.5....5", "1.5 ... .5"},
		{"S.5", "S .5"},
		{"0x1f 0x 0x1g", "0x1f 0x 0x1g"},
		{"3021b9d889017eeb", "3021b9d889017eeb"},
		{"-5 - 5 --5 --", "-5 - 5 --5 - -"},
		{"sequence# sequence", "sequence# sequence"},
		{"mssx mss", "mssx mss"},
		{`"a\"b" "c"`, `"a\"b" "c"`},
		{`"a\\" "c"`, `"a\\" " c "`}, // a quote after a backslash never ends a string
		{`"a\"`, `"a\"`},             // unless there is no other
		{"/* a **/ b */ c", "c"},
		{"%{ a }} }% b", "%{ a }} }% b"},
	} {
		scan := newScanner("test", []byte(test.text))
		var got []string
		for {
			tok, err := scan.Next()
			if err != nil {
				t.Fatal(err)
			}
			if tok.EOF() {
				break
			}
			if tok.Type != tokenBlank {
				got = append(got, tok.Value)
			}
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s: got %s, want %s", test.text, text, test.want)
		}
	}
}

func TestDefines(t *testing.T) {
	const script = "--define=A=other\n--define=B=\"text\"\n0 f(A, B, C, D, E, F) = 0\n"
	s, err := Parse("test.pkt", []byte(script), Defines{
		"A": "word", "C": "0x10", "D": "010", "E": "", "F": "08",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Expr{
		Word{Name: "word", Symbol: "A"}, // the command line wins
		String{Parts: []StringPart{{Text: "text", Symbol: "B"}}},
		Int{Value: 16, Text: "C"},
		Int{Value: 8, Text: "D"},
		Int{Value: 0, Text: "E"},
		Word{Name: "08", Symbol: "F"},
	}
	if d := difference(reflect.ValueOf(s.Events[0].Call.Args), reflect.ValueOf(want), "Args"); d != "" {
		t.Error(d)
	}
	if got := FormatEvent(s.Events[0]); got != "0 f(A, B, C, D, E, F) = 0" {
		t.Errorf("prints as %s", got)
	}
	cookie := parseEvent(t, "0 > S 0:0(0) <FO COOKIE>", Defines{"COOKIE": "12345678"}).Packet.TCP.Options[0].Blob
	if cookie.Text != "12345678" || cookie.Symbol != "COOKIE" {
		t.Errorf("cookie is %q from %q, want 12345678 from COOKIE", cookie.Text, cookie.Symbol)
	}
}

// TestSpans checks that each node's place is that of its text.
func TestSpans(t *testing.T) {
	const script = "0 > [ect0] S. 0:1(1) ack 2 <mss 1460,sack 1:2 3:4> // end\n" +
		"+.1 read(3, [a|b, {fd=1, events=2}], \"x\" \"y\") = -1 EAGAIN (note)\n" +
		"+0 %{\tassert True\t}%\n"
	s, err := Parse("test.pkt", []byte(script), nil)
	if err != nil {
		t.Fatal(err)
	}
	packet, call, code := s.Events[0].Packet, s.Events[1].Call, s.Events[2].Code
	list := call.Args[1].(List)
	for _, test := range []struct {
		node Node
		want string
	}{
		{s.Events[0], "0 > [ect0] S. 0:1(1) ack 2 <mss 1460,sack 1:2 3:4>"},
		{packet, "> [ect0] S. 0:1(1) ack 2 <mss 1460,sack 1:2 3:4>"},
		{packet.IP, "[ect0]"},
		{packet.TCP, "S. 0:1(1) ack 2 <mss 1460,sack 1:2 3:4>"},
		{packet.TCP.Seq, "0:1(1)"},
		{packet.TCP.Ack, "2"},
		{packet.TCP.Options[1], "sack 1:2 3:4"},
		{packet.TCP.Options[1].Blocks[1], "3:4"},
		{s.Comments[0], "// end"},
		{&s.Events[1].Time, "+.1"},
		{call, `read(3, [a|b, {fd=1, events=2}], "x" "y") = -1 EAGAIN (note)`},
		{list, "[a|b, {fd=1, events=2}]"},
		{list.Elems[0], "a|b"},
		{list.Elems[1], "{fd=1, events=2}"},
		{call.Args[2], `"x" "y"`},
		{call.Result, "-1"},
		{code, "%{\tassert True\t}%"},
	} {
		start, end := test.node.Span()
		if got := script[start.Offset:end.Offset]; got != test.want {
			t.Errorf("%T: got %s, want %s", test.node, got, test.want)
		}
	}
	if at := code.Start; script[at.Offset:at.Offset+len(code.Text)] != code.Text || at.Line != 3 || at.Column != 7 {
		t.Errorf("code starts at %v", at)
	}
}

func TestDeepBrackets(t *testing.T) {
	src := "0 f(" + strings.Repeat("[", 1<<20) + ") = 0\n"
	_, err := Parse("test.pkt", []byte(src), nil)
	if err == nil || !strings.Contains(err.Error(), "brackets too deep") {
		t.Errorf("got %.100v, want an error", err)
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := Parse("test.pkt", []byte("0 foo(\n+0 bar(\n"), nil)
	var list ErrorList
	if !errors.As(err, &list) || len(list) != 2 {
		t.Fatalf("got %v, want two errors", err)
	}
	var first *Error
	if !errors.As(err, &first) || first.Pos.Line != 1 {
		t.Errorf("got %v, want the error of line 1", first)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/samples/*.pkt", "testdata/errors/*.pkt"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		_, errs := Vet("fuzz.pkt", src, nil, Setting{})
		errs.Render(src)
		if _, err := Parse("fuzz.pkt", src, nil); err == nil {
			roundTrip(t, "fuzz.pkt", src, nil)
		}
	})
}

// BenchmarkParse parses all of a corpus; packetdrill's own 177 scripts take about
// 0.1 s on one core.
func BenchmarkParse(b *testing.B) {
	files := map[string][]byte{}
	var size int64
	for _, path := range corpus(b) {
		src, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		files[path] = src
		size += int64(len(src))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for path, src := range files {
			_, _ = Parse(path, src, corpusDefines)
		}
	}
}
