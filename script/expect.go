package script

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// describe names a token as it was written, short enough for a message.
func describe(t *lexer.Token) string {
	if t.EOF() {
		return "the end of the script"
	}
	text := written(splitSymbol(t.Value))
	const limit = 40
	text, rest, cut := strings.Cut(text, "\n")
	if len(text) > limit {
		text, cut = text[:limit], true
	}
	if cut || rest != "" {
		text += "…"
	}
	return text
}

// wanted says what the grammar wants where err was found.
func wanted(err *participle.UnexpectedTokenError) string {
	return err.Message()
}
