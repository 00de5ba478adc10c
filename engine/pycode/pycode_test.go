package pycode

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcpdrill/script"
)

// pos is where the blocks of these tests stand, in a script named t.pkt.
var pos = script.Position{Filename: "t.pkt", Offset: 100, Line: 10, Column: 9}

func parseOne(t *testing.T, code string) *Program {
	t.Helper()
	p, err := Parse([]Block{{code, pos}})
	if err != nil {
		t.Fatalf("%s\n%v", code, err)
	}
	return p
}

func TestSyntaxErrors(t *testing.T) {
	for _, test := range []struct {
		code         string
		line, column int
		want         string
	}{
		{"assert", 10, 15, "got the end of the line, want an expression"},
		{"assert x = 1", 10, 18, "got '=', want the end of the statement"},
		{"x = = 1", 10, 13, "got '=', want an expression"},
		{"x ==", 10, 13, "got the end of the line, want an expression"},
		{"1 = x", 10, 9, "can't assign to 1"},
		{"x + 1 = 2", 10, 9, "can't assign to x + 1"},
		{"None = 2", 10, 9, "can't assign to None"},
		{"(a, 1) = 2", 10, 13, "can't assign to 1"},
		{"a, b += 1", 10, 9, "can't assign to a, b"},
		{"x = 1 2", 10, 15, "got '2', want the end of the statement"},
		{"x = (1", 10, 13, "'(' was never closed"},
		{"x = 1)", 10, 14, "')' closes nothing"},
		{"x = (1]", 10, 15, "']' does not close '('"},
		{"x = 'abc", 10, 13, "this string has no end"},
		{"x = 'abc\n'", 10, 13, "this string has no end"},
		{"x = '''abc\n", 10, 13, "this string has no end"},
		{"x = 010", 10, 13, "a decimal number must not start with 0; an octal one starts with 0o"},
		{"x = 1a", 10, 14, "unexpected character 'a' in a number"},
		{"x = 0x", 10, 14, "unexpected character 'x' in a number"},
		{"x = 1 $ 2", 10, 15, "unexpected character '$'"},
		{"x = 1 ? 2", 10, 15, "unexpected character '?'"},
		{`x = '\x4'`, 10, 14, `\x wants 2 hexadecimal digits`},
		{"x = 1 \\ y", 10, 15, "unexpected character after a backslash that continues a line"},
		{"x = 1\n  y = 2", 11, 3, "this line is indented, but nothing above it calls for that"},
		{"\n  y = 2", 11, 3, "this line is indented, but nothing above it calls for that"},
		{"if x:\n    y = 1\n  z = 2", 12, 3, "this line's indentation matches no line above it"},
		{"if x:\ny = 1", 11, 1, "got 'y', want an indented line"},
		{"if x:", 10, 14, "got the end of the code, want an indented line"},
		{"if x y", 10, 14, "got 'y', want ':'"},
		{"if x = 1: y", 10, 14, "got '=', want ':'"},
		{"if x: if y: z", 10, 15, "an if can't stand on the line of another"},
		{"x = 1; if y: z", 10, 16, "got 'if', want an expression"},
		{"else: x", 10, 9, "got 'else', want an expression"},
		{"x = 1 if y", 10, 19, "got the end of the line, want 'else'"},
		{"f(a=1, 2)", 10, 16, "an argument without a name after one with a name"},
		{"f(if=1)", 10, 11, "got 'if', want a name"},
		{"f(1 2)", 10, 13, "got '2', want ')'"},
		{"x = not", 10, 16, "got the end of the line, want an expression"},
		{"x <> 1", 10, 12, "got '>', want an expression"},
		{"x = 1; ; y = 2", 10, 16, "got ';', want an expression"},
		{"print 'a' 'b' c", 10, 23, "got 'c', want the end of the statement"},
		{"x = 1\nassert x ==\n", 11, 12, "got the end of the line, want an expression"},
		{"x.1", 10, 10, "got '.1', want the end of the statement"},
	} {
		_, err := Parse([]Block{{test.code, pos}})
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("%q: got error %v, want a *SyntaxError", test.code, err)
			continue
		}
		if got.Msg != test.want || got.Pos.Line != test.line || got.Pos.Column != test.column || got.Pos.Filename != "t.pkt" {
			t.Errorf("%q: got %v: %s, want %d:%d: %s", test.code, got.Pos, got.Msg, test.line, test.column, test.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, test := range []struct {
		code   string
		column int
		want   string
	}{
		{"import os", 9, "import"},
		{"x = 1; import os", 16, "import"},
		{"from os import path", 9, "from"},
		{"for x in y: pass", 9, "for"},
		{"while 1: pass", 9, "while"},
		{"def f(): pass", 9, "def"},
		{"class C: pass", 9, "class"},
		{"with x: pass", 9, "with"},
		{"try:\n  x\nexcept E: pass", 9, "try"},
		{"match x:\n  case 1: pass", 9, "match"},
		{"del x", 9, "del"},
		{"raise x", 9, "raise"},
		{"global x", 9, "global"},
		{"@f\ndef g(): pass", 9, "a decorator"},
		{"x = lambda: 1", 13, "lambda"},
		{"x = [a for a in b]", 16, "a comprehension"},
		{"x = sum(a for a in b)", 19, "a comprehension"},
		{"x = {1: 2}", 13, "a dictionary or set"},
		{"x = a[1:2]", 16, "a slice"},
		{"x = a[:2]", 15, "a slice"},
		{"x[0] = 1", 9, "a list that changes"},
		{"x = a.b", 15, "the attribute .b"},
		{"x = f'{a}'", 13, "an f-string"},
		{"x = b'a'", 13, "bytes"},
		{"x = 1j", 13, "a complex number"},
		{"x: int = 1", 10, "an annotation"},
		{"(x := 1)", 12, ":="},
		{"x @ y", 11, "@"},
		{"a, *b = 1, 2", 12, "a starred expression"},
		{"f(*a)", 11, "a starred expression"},
		{"f(**a)", 11, "arguments from a dictionary"},
		{"x is y", 11, "is between things that aren't None, True or False"},
		{"x = ...", 13, "..."},
		{`x = '\N{DASH}'`, 14, "a character by its Unicode name"},
		{"range(3)", 9, "the built-in range"},
		{"assert isinstance(1, int)", 16, "the built-in isinstance"},
		{"if 1:\n  open('x')", 3, "the built-in open"},
		{"print " + strings.Repeat("(", 101) + strings.Repeat(")", 101), 115, "brackets nested more than 100 deep"},
		{"x = " + strings.Repeat("-", 300) + "1", 211, "code nested more than 200 deep"},
		{"x = " + strings.Repeat("9", 3000), 13, "a number this big"},
	} {
		p, err := Parse([]Block{{"x = 1", pos}, {test.code, pos}, {"import later", pos}})
		if err != nil {
			t.Errorf("%q: %v", test.code, err)
			continue
		}
		got := p.Unsupported()
		if got == nil || got.What != test.want || got.Pos.Column != test.column {
			t.Errorf("%q: got %+v, want %s at column %d", test.code, got, test.want, test.column)
		}
		if err := NewEvaluator(p).Eval(1, nil, io.Discard); err != error(got) {
			t.Errorf("%q: Eval returned %v", test.code, err)
		}
	}
	if u := parseOne(t, "assert max(tcpi_rtt, 1) < 5, 'x'").Unsupported(); u != nil {
		t.Errorf("unexpected: %v", u)
	}
}

// Some things are seen only when they happen.
func TestUnsupportedAtRunTime(t *testing.T) {
	for _, code := range []string{
		"1 << 10000", "2 ** 100000", "10 ** 10 ** 10", "x = 1 << 8000; x * x", "'a' * 1000000", "(1,) * 1000000",
		"(-8) ** 0.5", "2 ** 0.3", "'%2000d' % 1", "'%(a)d' % 1", "'{a}'.format(1)", "'{:>{}}'.format(1, 2)",
		"print(1, file=2)", "min(1, 2, key=abs)", "round(15, -1)", "int('ff', 16)", "'%#g' % 1.5",
		"x = [1]; x += [2]", "sum([0.1, 0.2])", "sorted([1, 1e400 - 1e400])", "'{:n}'.format(1)",
	} {
		err := NewEvaluator(parseOne(t, code)).Eval(0, nil, io.Discard)
		if got := (*Unsupported)(nil); !errors.As(err, &got) {
			t.Errorf("%s: got error %v, want an *Unsupported", code, err)
		}
	}
}

func TestAssertError(t *testing.T) {
	snapshot := []Var{{"tcpi_snd_cwnd", 9}, {"tcpi_rtt", uint64(30000)}, {"tcpi_options", uint64(6)}, {"cc", "reno"}}
	for _, test := range []struct{ code, want string }{
		{"assert tcpi_snd_cwnd == 10", "assert tcpi_snd_cwnd == 10: 9 == 10 is false (tcpi_snd_cwnd = 9)"},
		{"assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd", "assert tcpi_snd_cwnd == 10: 9 == 10 is false (tcpi_snd_cwnd = 9)"},
		{"assert tcpi_snd_cwnd == 10, 'after the RTO'", "assert tcpi_snd_cwnd == 10: 9 == 10 is false (tcpi_snd_cwnd = 9): after the RTO"},
		{"assert (tcpi_snd_cwnd == 10)", "assert (tcpi_snd_cwnd == 10): 9 == 10 is false (tcpi_snd_cwnd = 9)"},
		{"assert 5000 <= tcpi_rtt <= 20000", "assert 5000 <= tcpi_rtt <= 20000: 30000 <= 20000 is false (tcpi_rtt = 30000)"},
		{"assert tcpi_rtt > 1 and tcpi_snd_cwnd == 10 and tcpi_rtt == 0",
			"assert tcpi_rtt > 1 and tcpi_snd_cwnd == 10 and tcpi_rtt == 0: tcpi_snd_cwnd == 10: 9 == 10 is false (tcpi_snd_cwnd = 9)"},
		{"assert tcpi_rtt and (tcpi_snd_cwnd & 1) == 0", "assert tcpi_rtt and (tcpi_snd_cwnd & 1) == 0: (tcpi_snd_cwnd & 1) == 0: 1 == 0 is false (tcpi_snd_cwnd = 9)"},
		{"assert tcpi_options & TCPI_OPT_ECN", "assert tcpi_options & TCPI_OPT_ECN: it is 0 (tcpi_options = 6, TCPI_OPT_ECN = 8)"},
		{"assert (tcpi_options & TCPI_OPT_ECN) != 0", "assert (tcpi_options & TCPI_OPT_ECN) != 0: 0 != 0 is false (tcpi_options = 6, TCPI_OPT_ECN = 8)"},
		{"assert not tcpi_rtt", "assert not tcpi_rtt: it is False (tcpi_rtt = 30000)"},
		{"assert tcpi_rtt == 1 or tcpi_rtt == 2", "assert tcpi_rtt == 1 or tcpi_rtt == 2: it is False (tcpi_rtt = 30000)"},
		{"assert cc in ('cubic', 'bbr')", "assert cc in ('cubic', 'bbr'): 'reno' in ('cubic', 'bbr') is false (cc = 'reno')"},
		{"assert min(tcpi_rtt, 5) == 6", "assert min(tcpi_rtt, 5) == 6: 5 == 6 is false (tcpi_rtt = 30000)"},
		{"assert 0", "assert 0: it is 0"},
		{"assert tcpi_rtt == \\\n   1", "assert tcpi_rtt == 1: 30000 == 1 is false (tcpi_rtt = 30000)"},
	} {
		err := NewEvaluator(parseOne(t, test.code)).Eval(0, snapshot, io.Discard)
		if got := (*AssertError)(nil); !errors.As(err, &got) {
			t.Errorf("%s: got error %v, want an *AssertError", test.code, err)
		} else if got.Error() != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.code, got, test.want)
		}
	}
}

// A failure names its own line in the script.
func TestPositions(t *testing.T) {
	for _, test := range []struct {
		code                 string
		line, column, offset int
	}{
		{"assert 0", 10, 9, 100},
		{"x = 1; assert x == 2", 10, 16, 107},
		{"x = 1\nassert x == 1\nassert x == 2", 12, 1, 120},
		{"if 1:\n  x = 1; assert 0", 11, 10, 115},
		{"assert 1; \\\n  assert 0", 11, 3, 114},
		{"assert 1 +\\\n y", 11, 2, 113},
		{"x = 5 + 1 / 0", 10, 17, 108},
	} {
		err := NewEvaluator(parseOne(t, test.code)).Eval(0, nil, io.Discard)
		var got script.Position
		switch err := err.(type) {
		case *AssertError:
			got = err.Pos
		case *Exception:
			got = err.Pos
		}
		want := script.Position{Filename: "t.pkt", Line: test.line, Column: test.column, Offset: test.offset}
		if got != want {
			t.Errorf("%q: got %+v, want %+v", test.code, got, want)
		}
	}
}

// Blocks share variables; a snapshot replaces only its own, and the constants
// come back each time.
func TestBlocksShareVariables(t *testing.T) {
	p, err := Parse([]Block{
		{"print(tcpi_rto); cwnd = 10; TCP_CLOSE = 0", pos},
		{"cwnd += 1; print(cwnd, tcpi_rto, tcpi_rtt, TCP_CLOSE)", pos},
		{"print(tcpi_rto)", pos},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	e := NewEvaluator(p)
	for i, snapshot := range [][]Var{
		{{"tcpi_rto", int64(200000)}, {"tcpi_rtt", 1.5}},
		{{"tcpi_rto", uint64(1<<64 - 1)}},
		nil,
	} {
		if err := e.Eval(i, snapshot, &out); err != nil {
			t.Error(err)
		}
	}
	if got, want := out.String(), "200000\n11 18446744073709551615 1.5 7\n18446744073709551615\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := e.Eval(2, []Var{{"x", []byte("?")}}, &out); err == nil {
		t.Error("a variable of bytes was accepted")
	}
}

func TestPrintStatement(t *testing.T) {
	for _, test := range []struct{ code, want string }{
		{"print 1", "1\n"},
		{"print 'a', 2", "a 2\n"},
		{"print 'a',; print 'b'", "a b\n"},
		{"print 'cwnd=%d' % 10", "cwnd=10\n"},
		{"x = 5; print x; print(x); print ~x", "5\n5\n-6\n"},
		{"print not 1", "False\n"},
		{"print [1]", "[1]\n"},
		{"print (1), (2)", "1\n"}, // Python 3's reading
		{"if 1: print 'yes'\nelse: print 'no'", "yes\n"},
	} {
		if got := run(t, test.code); got != test.want {
			t.Errorf("%s: got %q, want %q", test.code, got, test.want)
		}
	}
}

// The corpus is the folders in TCPDRILL_CORPUS, searched for *.pkt.
func TestCorpus(t *testing.T) {
	corpus := os.Getenv("TCPDRILL_CORPUS")
	if corpus == "" {
		t.Skip("TCPDRILL_CORPUS names no folders with scripts")
	}
	count, scripts, unsupported := 0, 0, 0
	for _, root := range filepath.SplitList(corpus) {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".pkt" {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			blocks := findBlocks(path, string(source))
			if len(blocks) == 0 {
				return nil
			}
			count += len(blocks)
			scripts++
			p, err := Parse(blocks)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return nil
			}
			for _, b := range p.blocks {
				if b.unsupported != nil {
					unsupported++
					t.Logf("%v: %v", b.unsupported.Pos, b.unsupported)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d blocks in %d scripts, %d of them unsupported", count, scripts, unsupported)
}

// findBlocks does as packetdrill's lexer, which knows no comments here either.
func findBlocks(path, source string) []Block {
	var blocks []Block
	for at := 0; ; {
		i := strings.Index(source[at:], "%{")
		if i < 0 {
			return blocks
		}
		start := at + i + 2
		text, _, ok := strings.Cut(source[start:], "}%")
		if !ok {
			return blocks
		}
		at = start + len(text)
		trimmed := strings.TrimLeft(text, " \t")
		start += len(text) - len(trimmed)
		blocks = append(blocks, Block{strings.TrimRight(trimmed, " \t"), script.Position{
			Filename: path,
			Offset:   start,
			Line:     strings.Count(source[:start], "\n") + 1,
			Column:   start - strings.LastIndexByte(source[:start], '\n'),
		}})
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range pythonTests {
		f.Add(test.code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		p, err := Parse([]Block{{code, pos}})
		if err != nil {
			if _, ok := err.(*SyntaxError); !ok {
				t.Errorf("%q: %T: %v", code, err, err)
			}
			return
		}
		err = NewEvaluator(p).Eval(0, nil, io.Discard)
		switch err.(type) {
		case nil, *AssertError, *Exception, *Unsupported:
		default:
			t.Errorf("%q: %T: %v", code, err, err)
		}
		p.Source([][]Var{nil})
	})
}
