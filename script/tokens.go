package script

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// The kinds of token. A keyword or a mark such as "(" is told by its value,
// which no other kind of token can have: strings, commands and code keep their
// delimiters, and a word that stood for something else carries a tail (see
// substituted).
const (
	tokenEOF         = lexer.EOF
	tokenBlank       = lexer.EOF - 1 - iota // blanks and comments, elided
	tokenOption                             // --mss
	tokenFloat                              // .5 1.5 -0.5
	tokenInteger                            // 10 -1
	tokenHex                                // 0x1f
	tokenWord                               // SOCK_STREAM
	tokenKeyword                            // ack
	tokenPlainOption                        // nop
	tokenFastOpen                           // FO
	tokenECN                                // ect0
	tokenAngle                              // < or >
	tokenString                             // "text"
	tokenCommand                            // `command`
	tokenCode                               // %{ code }%
	tokenIPv4                               // 192.0.2.1
	tokenIPv6                               // 2001:db8::1
	tokenMark                               // any other single character, and "..."
	tokenBad                                // what can't be part of a script; reported by the lexer
)

// keywords are the words that can't be used as names anywhere, not even in the
// notes after a call. "sequence#" is one too; the lexer knows it. Some that can
// stand for each other are of a kind of their own.
var keywords = makeKeywords(map[lexer.TokenType]string{
	tokenKeyword: `
		sa_family sin_port sin_addr htons inet_addr inet6_addr
		msg_name msg_iov msg_flags msg_control
		cmsg_data cmsg_level cmsg_type
		ee_errno ee_origin ee_type ee_code ee_info ee_data
		scm_sec scm_nsec
		fd u32 u64 ptr events revents onoff linger
		ipv4 ipv6 icmp udp raw mtu id
		gre GREv0 flags Flags sum off key seq none checksum present
		mpls label tc ttl encap psp spi
		tos flowlabel ack win urg
		nop eol mss wscale sackOK sack TS val ecr md5 FO FOEXP
		ECN e0b e1b ceb`,
	tokenECN: `noecn ect0 ect1 ect01 ce`,
})

func makeKeywords(kinds map[lexer.TokenType]string) map[string]lexer.TokenType {
	all := map[string]lexer.TokenType{}
	for kind, words := range kinds {
		for _, w := range strings.Fields(words) {
			all[w] = kind
		}
	}
	return all
}

// A token that a -D symbol stood for has the value and then, after a NUL,
// which no script can contain, the symbol.
const symbolMark = "\x00"

func substituted(value, symbol string) string { return value + symbolMark + symbol }

// splitSymbol returns a token's value and the symbol that stood for it, or "".
func splitSymbol(token string) (value, symbol string) {
	value, symbol, _ = strings.Cut(token, symbolMark)
	return value, symbol
}

// unquote drops the delimiters of a string or command.
func unquote(s string) string {
	if len(s) < 2 {
		return ""
	}
	return s[1 : len(s)-1]
}
