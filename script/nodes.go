// Package script is the packetdrill language: its syntax tree, parser,
// printer and static checks.
//
// The package knows no operating system and runs nothing. Numbers behind
// names such as SOL_SOCKET are Linux's wherever it runs; they come from the
// subpackage linux.
package script

import (
	"time"

	"github.com/alecthomas/participle/v2/lexer"
)

// A Position is a place in a script: file name, byte offset (from 0), line and
// column (both from 1; the column counts bytes).
type Position = lexer.Position

// A Node is any part of a script that knows where it stands.
type Node interface {
	// Span returns where the node starts and the first place after it.
	Span() (start, end Position)
}

// A Range is the place of a node; nodes embed it.
type Range struct {
	Pos    Position
	EndPos Position
}

// Span implements Node.
func (r Range) Span() (start, end Position) { return r.Pos, r.EndPos }

// A Script is one .pkt file:
//
//	--tolerance_usecs=10000
//	`../common/defaults.sh`
//	    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//	   +0 < S 0:0(0) win 1000 <mss 1460>
//	`/tmp/restore.sh`
type Script struct {
	Range
	Name     string    // the file's name, as given to Parse
	Options  []*Option // --name=value lines, in order
	Init     *Command  // the command before the first event, or nil
	Events   []*Event  // at least one
	Cleanup  *Command  // the command after the last event, or nil
	Comments []*Comment
	Source   []byte // the text it was parsed from

	partial bool // whether some of it couldn't be parsed
}

// A Comment is // to the end of the line, or /* to */.
type Comment struct {
	Range
	Text string // with its delimiters, without the line's end
}

// An Option sets one of packetdrill's options for this script:
//
//	--ip_version=ipv4
//	--define=CC="reno"
type Option struct {
	Range
	Name     string // without the dashes: "ip_version"
	Value    string // as the option's parser wants it: ipv4, CC="reno", `cmd`
	HasValue bool   // whether there was a '='
	Text     string // the value as written
}

// An Event is a time and what happens then. Exactly one of Packet, Call,
// Command, Code and Device is set.
type Event struct {
	Range
	Time    Time
	Packet  *Packet
	Call    *Call
	Command *Command
	Code    *Code
	Device  *Device
}

// TimeKind says how an event's time is to be read.
type TimeKind int

// The forms of an event's time.
const (
	Absolute      TimeKind = iota // 1.5      since the start of the script
	Relative                      // +.1      from now; see the engine's timeline for what now is
	Any                           // *        outbound packets only
	AbsoluteRange                 // 1~1.5    outbound packets only
	RelativeRange                 // +.1~+.2  outbound packets only
)

// A Time says when an event happens or is expected.
type Time struct {
	Range
	Kind  TimeKind
	Start time.Duration // 0 for Any
	End   time.Duration // of a range; otherwise 0

	StartText, EndText string // the numbers as written, without '+'
}

// A Command is a shell command in back quotes: `sysctl -q net.ipv4.tcp_sack=0`.
type Command struct {
	Range
	Line   string // what the shell gets
	Symbol string // the -D symbol that stood for it, or ""
}

// Code is a snippet of Python, run over socket state: %{ assert tcpi_rto == 200000 }%.
type Code struct {
	Range
	Text   string   // without delimiters and the blanks next to them
	Source string   // as written, delimiters included
	Start  Position // of the first byte of Text
}

// A Device is about the device that the stack sends through, an addition to
// packetdrill's language:
//
//	device stall
//	device tx_dropped 5
type Device struct {
	Range
	Verb  string // one of DeviceVerbs
	Count *Int   // of a counter: what it must be; nil for the others
}

// What a Device can say.
const (
	DeviceStall     = "stall"      // its reader stops reading
	DeviceResume    = "resume"     // and goes on
	DeviceTxDropped = "tx_dropped" // packets of the stack that it had no room for
	DeviceRxDropped = "rx_dropped" // injected packets that it refused
)

// DeviceVerbs are all of them.
var DeviceVerbs = []string{DeviceStall, DeviceResume, DeviceTxDropped, DeviceRxDropped}

// Expects reports whether the event is an expectation, which does nothing to the stack.
func (d *Device) Expects() bool { return d.Count != nil }

// Direction says which way a packet goes.
type Direction int

// Directions are named from the stack under test.
const (
	Inbound  Direction = iota // <  injected
	Outbound                  // >  expected
)

// A Packet is an injected or expected packet:
//
//	< [ect0] . 1:1001(1000) ack 1 win 257 <nop,nop,TS val 100 ecr 200>
//	> ipv4 192.0.2.1 > 192.0.2.2: gre: udp (100)
type Packet struct {
	Range
	Direction Direction
	Encap     []Encap // outermost first
	IP        *IPInfo // nil: not given
	// Exactly one of these is set.
	TCP      *TCP
	UDP      *UDP
	ICMP     *ICMP
	Fragment *Fragment
	// BadSum is where an injected packet says that the checksum of its transport is to
	// be wrong (badsum): an addition to packetdrill's language. nil: it is right.
	BadSum *Range
}

// An Encap is a header around the packet: exactly one field is set.
type Encap struct {
	Range
	IP   *EncapIP
	GRE  *GRE
	MPLS *MPLS
}

// EncapIP is an outer IP header: ipv4 [tos 0x10] 192.0.2.1 > 192.0.2.2: .
type EncapIP struct {
	Range
	Version  int // 4 or 6
	Info     *IPInfo
	Src, Dst string // as written
}

// GRE is a GRE header (RFC 2784, RFC 2890), either as a packet's prefix
// ("gre:" alone sets Bare) or as an expression in braces:
//
//	gre flags [checksum present, key present], sum 0x1, off 0, key = 0x2, seq 0:
type GRE struct {
	Range
	Bare      bool     // just "gre:"
	Flags     Int      // as a number; from names: 0x8000 checksum, 0x2000 key, 0x1000 sequence
	FlagNames []string // as written inside [ ], or nil if a number was written
	Sum       Int
	Off       Int
	Key       Int
	Seq       Int
}

// MPLS is a stack of MPLS labels (RFC 3032), top first:
//
//	mpls (label 0, tc 0, ttl 0) (label 1048575, tc 7, [S], ttl 255):
type MPLS struct {
	Range
	Labels []MPLSLabel
}

// MPLSLabel is one label stack entry.
type MPLSLabel struct {
	Range
	Label  Int  `parser:"'(' 'label' @@ ','"`    // 0 to 2^20-1
	TC     Int  `parser:"'tc' @@ ','"`           // 0 to 7
	Bottom bool `parser:"( '[' @'S' ']' ',' )?"` // [S]
	TTL    Int  `parser:"'ttl' @@ ')'"`          // 0 to 255
}

// ECN says what a packet's IP header must carry in its ECN field (RFC 3168).
type ECN int

// What can stand for the ECN field.
const (
	ECNNone  ECN = iota // nothing said; not checked
	NoECN               // noecn: 0
	ECT1                // ect1: 1
	ECT0                // ect0: 2
	CE                  // ce: 3
	ECT01               // ect01: either of ECT; outbound only
	ECNAsTOS            // tos 0xNN: the whole byte
)

// IPInfo is what a script says of a packet's IP header, in ( ) or [ ]:
//
//	[ect0]  (tos 0x10, flowlabel 0x1)  [ttl 64]
type IPInfo struct {
	Range
	Square    bool // [ ] rather than ( )
	ECN       ECN
	TOS       Int // of ECNAsTOS
	FlowLabel *Int
	TTL       *Int
}

// TCP is a TCP segment: FP. 1:1001(1000) ack 1 win 257 urg 5 <nop,nop,sack 1:2>.
type TCP struct {
	Range
	PSP     *Int // encap psp spi N
	Ports   *Ports
	Flags   string // as written, in written order, without a digit: "FP.", "S", "." or "" for "-"
	ACE     int    // 0 to 7 where a digit was written, else -1 (draft-ietf-tcpm-accurate-ecn)
	Seq     SeqRange
	Ack     *Int // nil: not given, which means 0
	Window  *Int // nil: not given; not checked
	Urgent  *Int // nil: not given, which means 0
	Options []*TCPOption
	// HasOptions tells <> from nothing; AnyOptions is <...>, which checks none.
	HasOptions bool
	AnyOptions bool
	OptionsAt  Range // from < to >
	// GSO is the gso_size of a packet that stands for several (gso 1460): injected, as
	// GRO joins them; expected, as the stack leaves them for the device to cut. An
	// addition to packetdrill's language. nil: not given, and then not checked.
	GSO *Int
	// Stream says that the stack may send this in any cut, an addition to packetdrill's
	// language: the word stream behind the options.
	Stream   bool
	StreamAt Range
	// Cause is why the stack must have sent it (cause "tlp"), as far as it says: an
	// addition to packetdrill's language. nil: not given.
	Cause *StringPart

	written flags // what Flags and ACE were read from
}

// FlagsAt returns where the flags stand.
func (t *TCP) FlagsAt() Range { return t.written.Range }

// FlagsText returns the flags as they are written.
func (t *TCP) FlagsText() string { return t.flagsText() }

// HasFlag reports whether flag (one of FSRP.UEWA) was written.
func (t *TCP) HasFlag(flag byte) bool {
	for i := range len(t.Flags) {
		if t.Flags[i] == flag {
			return true
		}
	}
	return false
}

// Ports are written where a packet isn't between the script's own ports: 8080 > 50000.
type Ports struct {
	Range
	Src, Dst Int
}

// A SeqRange is first:last(length), in sequence numbers of the script.
type SeqRange struct {
	Range
	First, Last, Length Int
}

// TCPOptionKind names a TCP option of the language.
type TCPOptionKind int

// TCP options, by the words that scripts use.
const (
	OptEOL         TCPOptionKind = iota // eol
	OptNOP                              // nop
	OptMSS                              // mss 1460
	OptWScale                           // wscale 7
	OptSACKOK                           // sackOK
	OptSACK                             // sack 1:1001 2001:3001
	OptTimestamp                        // TS val 100 ecr 200
	OptFastOpen                         // FO cookie        RFC 7413
	OptFastOpenExp                      // FOEXP cookie     experimental, kind 254
	OptMD5                              // md5 digest       RFC 2385
	OptAccECN                           // ECN e0b 1 ceb 0 e1b 1
)

// A TCPOption is one option of a segment.
type TCPOption struct {
	Range
	Kind     TCPOptionKind
	Value    Int         // mss, wscale, TS val
	Echo     Int         // TS ecr
	Blocks   []SACKBlock // sack
	Blob     Hex         // FO, FOEXP, md5
	Counters []AccECNCounter
}

// A SACKBlock is left:right (RFC 2018).
type SACKBlock struct {
	Range
	Left, Right Int
}

// AccECNCounter is one 24-bit byte counter of the AccECN option: e0b 5.
type AccECNCounter struct {
	Range
	Name  string // e0b, e1b or ceb
	Value Int
}

// Hex is a string of bytes written in hexadecimal, or a -D symbol for one.
type Hex struct {
	Range
	Text   string // after -D substitution: hexadecimal digits, an even number if valid
	Symbol string // the symbol that stood for it, or ""
}

// UDP is a datagram, or several of one size: udp 53 > 1024 (100), udp (3000) gso 1000.
type UDP struct {
	Range
	Ports  *Ports
	Length Int
	GSO    *Int // as TCP's
}

// GSO returns what the packet says of its gso_size, nil if nothing.
func (p *Packet) GSO() *Int {
	switch {
	case p.TCP != nil:
		return p.TCP.GSO
	case p.UDP != nil:
		return p.UDP.GSO
	}
	return nil
}

// ICMP is an ICMP or ICMPv6 message:
//
//	icmp unreachable frag_needed mtu 1200 [1:1461(1460)]
//	icmp echo_request id 7 [raw (100)]
type ICMP struct {
	Range
	Type string // a name or type_N
	Code string // a name, code_N, or ""
	// The -D symbols that stood for them, or "".
	TypeSymbol, CodeSymbol string
	MTU                    *Int
	ID                     *Int
	// What the message quotes; at most one is set.
	QuotedTCP *SeqRange // [1:1461(1460)]
	QuotedUDP *Int      // [udp (100)]
	Raw       *Int      // [raw (100)]
}

// A Fragment is a piece of an IP packet that a stack has cut, an addition to packetdrill's
// language:
//
//	fragment udp 0:1480(1480) mf
type Fragment struct {
	Range
	Protocol string   // of what was cut: udp, tcp or icmp
	Bytes    SeqRange // of that, its header among them
	More     bool     // mf: more fragments follow
}

// A Call is a system call and its outcome:
//
//	0...0.2 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
type Call struct {
	Range
	Name    string
	NamePos Position
	// Blocking calls have an end time: absolute for an absolute start, else
	// relative to the same moment.
	Blocking bool
	End      time.Duration
	EndText  string
	Args     []Expr
	Result   Expr
	Errno    string // "EAGAIN", or ""
	ErrnoPos Position
	Note     string // words in ( ) after it, for people
	HasNote  bool
	// The -D symbols that stood for Name and Errno, or "".
	NameSymbol, ErrnoSymbol string
}

// An Expr is an argument or result of a call.
type Expr interface {
	Node
	expr()
}

// Int is a number: 10, -1, 0x1f, or a -D symbol for one.
type Int struct {
	Range
	Value int64
	Text  string // as written: digits or the symbol
}

// Ellipsis is "...": anything, or what the harness knows best.
type Ellipsis struct{ Range }

// Word is a name such as SOCK_STREAM.
type Word struct {
	Range
	Name   string // after -D substitution
	Symbol string // the symbol that stood for it, or ""
}

// String is "text", "text"... (a prefix), or adjacent strings, which concatenate.
type String struct {
	Range
	Parts    []StringPart
	Ellipsis bool // "text"...
}

// StringPart is one quoted string.
type StringPart struct {
	Range
	Text   string // between the quotes, as written, escapes not resolved
	Symbol string // the symbol that stood for it, or ""
}

// Or is a|b.
type Or struct {
	Range
	Left, Right Expr
}

// Assign is NAME=value, inside lists of netlink-like attributes.
type Assign struct {
	Range
	Name  Word
	Value Expr
}

// List is [a, b].
type List struct {
	Range
	Elems []Expr
}

// Braces is {a, b}: a struct or nested list of values.
type Braces struct {
	Range
	Elems []Expr
}

// Inet is inet_addr("192.0.2.1") or inet6_addr("::1").
type Inet struct {
	Range
	Version int // 4 or 6
	Addr    string
	Symbol  string // the -D symbol that stood for Addr, or ""
}

// Sockaddr is
//
//	{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}
//
// and so, with these names, for AF_INET6.
type Sockaddr struct {
	Range
	Family string
	Port   Int
	Addr   string
	// The -D symbols that stood for Family and Addr, or "".
	FamilySymbol, AddrSymbol string
}

// Msghdr is
//
//	{msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[...]}
type Msghdr struct {
	Range
	IovLen  Int
	Iov     *List
	Flags   Expr
	Control *List // nil: not given
}

// Iovec is {..., 100}.
type Iovec struct {
	Range
	Len Int
}

// Cmsg is {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data=...}.
type Cmsg struct {
	Range
	Level, Type, Data Expr
}

// Timestamping is {scm_sec=0, scm_nsec=100000000}: when, in script time.
type Timestamping struct {
	Range
	Sec  Int `parser:"'scm_sec' '=' @@ ','"`
	Nsec Int `parser:"'scm_nsec' '=' @@"`
}

// SockExtendedErr is {ee_errno=…, ee_origin=…, ee_type=…, ee_code=…, ee_info=…, ee_data=…}.
type SockExtendedErr struct {
	Range
	Errno, Origin, Type, Code, Info, Data Expr
}

// Pollfd is {fd=3, events=POLLIN, revents=0}.
type Pollfd struct {
	Range
	FD, Events Expr
	Revents    Expr // nil: not given, which means 0
}

// Linger is {onoff=1, linger=5}.
type Linger struct {
	Range
	OnOff  Int `parser:"'onoff' '=' @@ ','"`
	Linger Int `parser:"'linger' '=' @@"`
}

// EpollEvent is {events=EPOLLIN, fd=4}, or ptr, u32 or u64 in place of fd.
type EpollEvent struct {
	Range
	Events Expr
	Member string // fd, ptr, u32, u64
	Data   Expr
}

func (Int) expr()             {}
func (Ellipsis) expr()        {}
func (Word) expr()            {}
func (String) expr()          {}
func (Or) expr()              {}
func (Assign) expr()          {}
func (List) expr()            {}
func (Braces) expr()          {}
func (Inet) expr()            {}
func (Sockaddr) expr()        {}
func (Msghdr) expr()          {}
func (Iovec) expr()           {}
func (Cmsg) expr()            {}
func (Timestamping) expr()    {}
func (SockExtendedErr) expr() {}
func (Pollfd) expr()          {}
func (Linger) expr()          {}
func (EpollEvent) expr()      {}
func (MPLS) expr()            {}
func (GRE) expr()             {}
