package script

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// describe names a token as it was written, short enough for a message.
func describe(t *lexer.Token) string {
	if t.EOF() {
		return "the end of the script"
	}
	if t.Value == "," {
		return "a comma"
	}
	text := written(splitSymbol(t.Value))
	const limit = 40
	text, _, cut := strings.Cut(text, "\n")
	if len(text) > limit {
		text, cut = text[:limit], true
	}
	if cut {
		text += "…"
	}
	return text
}

// callStart is where participle is in the grammar when an event's time is followed by
// nothing it knows: system calls are the last alternative that it tried.
const callStart = `Word "(" (`

// syntaxError puts what participle says into words.
func syntaxError(unexpected *participle.UnexpectedTokenError) *Error {
	t := &unexpected.Unexpected
	_, want, _ := strings.Cut(unexpected.Message(), " (expected ")
	first := firstOf(strings.TrimSuffix(want, ")"))
	switch {
	case strings.HasPrefix(want, callStart):
		first = []string{"a packet", "a system call", "a command", "code"}
	case first == nil && t.Type == tokenOption:
		return &Error{
			Summary: "got " + describe(t) + ", want an event",
			Detail:  "Options come before the first event and the first command.",
		}
	case first == nil:
		e := &Error{Summary: "got " + describe(t) + ", want an event's time, such as 0, +.1 or *"}
		if t.Value == "#" {
			e.Detail = "Comments begin with //."
		}
		return e
	case slices.Equal(first, []string{"a word", "flags", "Flags"}): // a note
		first = []string{"words"}
	case first[0] == wants["TCPOption"] && t.Type == tokenWord:
		return &Error{
			Summary: "unknown option " + describe(t) + didYouMean(describe(t), tcpOptionWords),
			Detail:  "TCP options are " + orList(tcpOptionWords) + ".",
		}
	}
	return &Error{Summary: "got " + describe(t) + ", want " + orList(first)}
}

// trailing is the error for what stands behind a whole item, on its line.
func trailing(t *lexer.Token) *Error {
	e := &Error{Summary: "got " + describe(t) + ", want the end of the line"}
	switch t.Value {
	case "ack", "win", "urg":
		e.Detail = "A segment's fields come in the order ack, win, urg and then the options."
	case "-", ".":
		e.Detail = "A value with other characters than letters, digits and _ goes in double quotes."
	}
	return e
}

var tcpOptionWords = []string{"nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "md5", "ECN"}

// wants are the words for what a rule of the grammar reads first. A rule that is
// missing here begins as its own first part does.
var wants = map[string]string{
	"Int":          "a number",
	"anyInt":       "a number",
	"hexInt":       "a hexadecimal number",
	"seconds":      "seconds",
	"Word":         "a name",
	"StringPart":   "a string",
	"Hex":          "hexadecimal digits",
	"flags":        "TCP flags",
	"SeqRange":     "a sequence range first:last(length)",
	"SACKBlock":    "a block left:right",
	"TCPOption":    "a TCP option",
	"exprRule":     "a value",
	"ListRule":     "[",
	"NoteRule":     "(",
	"MPLSLabel":    "(",
	"GreFlagRule":  "a flag",
	"IpFieldsRule": "an ECN field, tos, flowlabel or ttl",
	"GreRule":      "flags",
	"ValueRule":    "a value",
	"<ipv4>":       "an IPv4 address",
	"<ipv6>":       "an IPv6 address",
	"<word>":       "a word",
	"<string>":     "a string",
	"<command>":    "a command",
	"<angle>":      "< or >",
}

// firstOf lists what an expression of participle's EBNF can begin with.
func firstOf(ebnf string) []string {
	p := &ebnfReader{rest: ebnf}
	first, _ := p.sequence()
	return first
}

// An ebnfReader reads the notation in which participle says what it expected:
// "literal", <token>, Rule, ( alternatives ) with ?, * or + behind, in a row.
type ebnfReader struct{ rest string }

// sequence reads terms up to a | or ) or the end, and returns what the first of
// them can begin with, and whether they may all be missing.
func (p *ebnfReader) sequence() (first []string, empty bool) {
	empty = true
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		if p.rest == "" || p.rest[0] == '|' || p.rest[0] == ')' {
			return first, empty
		}
		begins, optional := p.term()
		if empty {
			first = append(first, begins...)
		}
		empty = empty && optional
	}
}

func (p *ebnfReader) term() (first []string, optional bool) {
	switch p.rest[0] {
	case '(':
		for p.rest[0] == '(' || p.rest[0] == '|' {
			p.rest = p.rest[1:]
			begins, empty := p.sequence()
			first = append(first, begins...)
			optional = optional || empty
			if p.rest == "" {
				return first, optional
			}
		}
		p.rest = p.rest[1:] // )
	case '"':
		end := strings.IndexByte(p.rest[1:], '"') + 2
		name := p.rest[1 : end-1]
		if name == "," {
			name = "a comma"
		}
		first = []string{name}
		p.rest = p.rest[end:]
	default:
		end := strings.IndexAny(p.rest, " )?*+!|")
		if end < 0 {
			end = len(p.rest)
		}
		name := p.rest[:end]
		if words, ok := wants[name]; ok {
			name = words
		}
		first = []string{name}
		p.rest = p.rest[end:]
	}
	for p.rest != "" && strings.IndexByte("?*+!", p.rest[0]) >= 0 {
		optional = optional || p.rest[0] == '?' || p.rest[0] == '*'
		p.rest = p.rest[1:]
	}
	return first, optional
}

// orList joins words as in "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
