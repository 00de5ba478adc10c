package script

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Some rules are rare: encapsulation, what is said of IP headers, other protocols
// than TCP, expressions of several tokens. The leaves look at the first token, and
// only where it fits call a parser of their own for the rule.

var (
	encapParser    = sync.OnceValue(buildParser[encapRule])
	ipInfoParser   = sync.OnceValue(buildParser[ipInfoRule])
	udpParser      = sync.OnceValue(buildParser[udpRule])
	icmpParser     = sync.OnceValue(buildParser[icmpRule])
	fragmentParser = sync.OnceValue(buildParser[fragmentRule])
	compoundParser = sync.OnceValue(buildParser[compoundRule])
)

// parseRare parses a rule whose first token has been seen.
func parseRare[R any](lex *lexer.PeekingLexer, parser func() *participle.Parser[R]) (*R, error) {
	return parser().ParseFromLexer(lex, participle.AllowTrailing(true))
}

// encaps are the headers around a packet: at least one, if it matches.
type encaps struct{ List []Encap }

// Parse implements participle.Parseable.
func (e *encaps) Parse(lex *lexer.PeekingLexer) error {
	for {
		switch lex.Peek().Value {
		case "ipv4", "ipv6", "gre", "GREv0", "mpls":
		default:
			if e.List == nil {
				return participle.NextMatch
			}
			return nil
		}
		rule, err := parseRare(lex, encapParser)
		if err != nil {
			return err
		}
		e.List = append(e.List, rule.encap())
	}
}

// ipInfo is the part in ( ) or [ ] that tells of an IP header.
type ipInfo struct{ *IPInfo }

// Parse implements participle.Parseable.
func (i *ipInfo) Parse(lex *lexer.PeekingLexer) error {
	if v := lex.Peek().Value; v != "(" && v != "[" {
		return participle.NextMatch
	}
	rule, err := parseRare(lex, ipInfoParser)
	if err == nil {
		i.IPInfo = rule.info()
	}
	return err
}
