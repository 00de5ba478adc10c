package script

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Encapsulation and what is said of IP headers is rare. These leaves look at the
// first token, and only where it fits call a parser of their own for the rule.

var (
	encapParser  = sync.OnceValue(buildParser[encapRule])
	ipInfoParser = sync.OnceValue(buildParser[ipInfoRule])
)

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
		rule, err := encapParser().ParseFromLexer(lex, participle.AllowTrailing(true))
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
	rule, err := ipInfoParser().ParseFromLexer(lex, participle.AllowTrailing(true))
	if err == nil {
		i.IPInfo = rule.info()
	}
	return err
}
