package script

// The grammar of the language, in participle's notation: each struct is a rule,
// the tags of its fields, read in a row, say what it consists of, '@@' being the
// rule of the field's type. One token of lookahead decides everywhere, so an error
// is found at the first token that can't be right. build.go makes nodes of rules;
// grammar.txt is the same grammar for people.
//
// Participle pays for each alternative that it tries, also in vain. What nearly
// every line has (times, numbers, segments, arguments) is therefore read by the
// Parse methods in leaves*.go, what few have is only tried where its first token
// stands (see rare.go), and the most frequent alternatives come first. That makes
// it four times as fast.

type optionRule struct {
	Range
	Name  string     `parser:"@Option"`
	Value *valueRule `parser:"( '=' @@ )?"`
}

type valueRule struct {
	Word  string `parser:"(   @Word"`
	Value string `parser:"    ( '=' @( Word | String | Command ) )?"`
	Other string `parser:"  | @( Integer | String | IPv4 | IPv6 | 'ipv4' | 'ipv6' ) )"`
}

type eventRule struct {
	Range
	Time    Time        `parser:"@@"`
	Packet  *packetRule `parser:"(   @@"`
	Device  *Device     `parser:"  | @@"`
	Call    *callRule   `parser:"  | @@"`
	Command *Command    `parser:"  | @@"`
	Code    *Code       `parser:"  | @@ )"`
}

type callRule struct {
	Range
	End    *seconds    `parser:"( '...' @@ )?"`
	Name   Word        `parser:"@@"`
	Args   []*exprRule `parser:"'(' ( @@ ( ',' @@ )* )? ')'"`
	Result exprRule    `parser:"'=' @@"`
	Errno  *errnoRule  `parser:"@@?"`
	Note   *noteRule   `parser:"@@?"`
}

type errnoRule struct {
	Name Word     `parser:"@@"`
	Note noteRule `parser:"@@"`
}

type noteRule struct {
	Words []string `parser:"'(' @( Word | 'flags' | 'Flags' ) @Word* ')'"`
}

// Packets.

type encapRule struct {
	Range
	IPv4 *encapIPv4Rule `parser:"  @@"`
	IPv6 *encapIPv6Rule `parser:"| @@"`
	GRE  *encapGRERule  `parser:"| @@"`
	MPLS *encapMPLSRule `parser:"| @@"`
}

type encapIPv4Rule struct {
	Range
	Info ipInfo `parser:"'ipv4' @@?"`
	Src  string `parser:"@IPv4"`
	Dst  string `parser:"'>' @IPv4 ':'"`
}

type encapIPv6Rule struct {
	Range
	Info ipInfo `parser:"'ipv6' @@?"`
	Src  string `parser:"@IPv6"`
	Dst  string `parser:"'>' @IPv6 ':'"`
}

type encapGRERule struct {
	Range
	Bare   bool     `parser:"( 'gre' | 'GREv0' ) (   @':'"`
	Header *greRule `parser:"                      | ','? @@ ':' )"`
}

type greRule struct {
	Range
	Names []*greFlagRule `parser:"( 'flags' | 'Flags' ) (   '[' @@ ( ',' @@ )* ']'"`
	Flags *anyInt        `parser:"                        | @@ )"`
	Sum   anyInt         `parser:"','? 'sum' @@"`
	Off   anyInt         `parser:"','? 'off' @@"`
	Key   anyInt         `parser:"','? 'key' '='? @@"`
	Seq   anyInt         `parser:"','? 'seq' @@"`
}

type greFlagRule struct {
	None    bool   `parser:"  @'none'"`
	Present string `parser:"| @( 'checksum' | 'key' | 'sequence#' ) 'present'"`
}

type encapMPLSRule struct {
	Range
	Labels []MPLSLabel `parser:"'mpls' @@* ':'"`
}

type ipInfoRule struct {
	Range
	Round  *ipFieldsRule `parser:"  '(' @@ ')'"`
	Square *ipFieldsRule `parser:"| '[' @@ ']'"`
}

type ipFieldsRule struct {
	ECN       string  `parser:"(   (   @ECN"`
	TOS       *hexInt `parser:"      | 'tos' @@ )"`
	AndLabel  *hexInt `parser:"    ( ',' 'flowlabel' @@ )?"`
	FlowLabel *hexInt `parser:"  | 'flowlabel' @@"`
	TTL       *Int    `parser:"  | 'ttl' @@ )"`
}

type icmpRule struct {
	Range
	Type Word      `parser:"'icmp' @@"`
	Code *Word     `parser:"@@?"`
	MTU  *Int      `parser:"( 'mtu' @@ )?"`
	ID   *Int      `parser:"( 'id' @@ )?"`
	UDP  *Int      `parser:"( '[' (   'udp' '(' @@ ')'"`
	Raw  *Int      `parser:"        | 'raw' '(' @@ ')'"`
	TCP  *SeqRange `parser:"        | @@ ) ']' )?"`
}

type udpRule struct {
	Range
	Ports  ports `parser:"'udp' @@?"`
	Length Int   `parser:"'(' @@ ')'"`
	GSO    *Int  `parser:"( 'gso' @@ )?"`
}

type fragmentRule struct {
	Range
	Protocol string   `parser:"'fragment' @( 'udp' | 'tcp' | 'icmp' )"`
	Bytes    SeqRange `parser:"@@"`
	More     bool     `parser:"@'mf'?"`
}

// Expressions.

// compoundRule is an expression of more than one token.
type compoundRule struct {
	List   *listRule   `parser:"  @@"`
	Braces *bracesRule `parser:"| @@"`
	Inet   *inetRule   `parser:"| @@"`
}

type listRule struct {
	Range
	Elems []*exprRule `parser:"'[' ( @@ ( ',' @@ )* )? ']'"`
}

type inetRule struct {
	Range
	Name string     `parser:"@( 'inet_addr' | 'inet6_addr' )"`
	Addr StringPart `parser:"'(' @@ ')'"`
}

type bracesRule struct {
	Range
	Sockaddr     *sockaddrRule    `parser:"'{' (   @@"`
	Msghdr       *msghdrRule      `parser:"      | @@"`
	Cmsg         *cmsgRule        `parser:"      | @@"`
	Timestamping *Timestamping    `parser:"      | @@"`
	ExtendedErr  *extendedErrRule `parser:"      | @@"`
	Pollfd       *pollfdRule      `parser:"      | @@"`
	EpollEvent   *epollEventRule  `parser:"      | @@"`
	Linger       *Linger          `parser:"      | @@"`
	GRE          *greRule         `parser:"      | @@"`
	Labels       []MPLSLabel      `parser:"      | @@+"`
	Iovec        *iovecRule       `parser:"      | @@"`
	Elems        []*exprRule      `parser:"      | @@ ( ',' @@ )* )? '}'"`
}

// iovecRule is what follows "{...": a comma means an iovec, whatever else the list
// could have been.
type iovecRule struct {
	Ellipsis Ellipsis    `parser:"@@"`
	Len      *Int        `parser:"(   ',' @@"`
	Or       *exprRule   `parser:"  | '|' @@"`
	More     []*exprRule `parser:"    ( ',' @@ )* )?"`
}

type sockaddrRule struct {
	Family Word       `parser:"'sa_family' '=' @@ ','"`
	Port   Int        `parser:"'sin_port' '=' 'htons' '(' @@ ')' ','"`
	Addr   StringPart `parser:"'sin_addr' '=' 'inet_addr' '(' @@ ')'"`
}

type msghdrRule struct {
	IovLen  Int       `parser:"'msg_name' '(' '...' ')' '=' '...' ',' 'msg_iov' '(' @@ ')' '='"`
	Iov     listRule  `parser:"@@ ','"`
	Flags   exprRule  `parser:"'msg_flags' '=' @@"`
	Control *listRule `parser:"( ',' 'msg_control' '=' @@ )?"`
}

type cmsgRule struct {
	Level exprRule `parser:"'cmsg_level' '=' @@ ','"`
	Type  exprRule `parser:"'cmsg_type' '=' @@ ','"`
	Data  exprRule `parser:"'cmsg_data' '=' @@"`
}

type extendedErrRule struct {
	Errno  exprRule `parser:"'ee_errno' '=' @@ ','"`
	Origin exprRule `parser:"'ee_origin' '=' @@ ','"`
	Type   exprRule `parser:"'ee_type' '=' @@ ','"`
	Code   exprRule `parser:"'ee_code' '=' @@ ','"`
	Info   exprRule `parser:"'ee_info' '=' @@ ','"`
	Data   exprRule `parser:"'ee_data' '=' @@"`
}

type pollfdRule struct {
	FD      exprRule  `parser:"'fd' '=' @@ ','"`
	Events  exprRule  `parser:"'events' '=' @@"`
	Revents *exprRule `parser:"( ',' 'revents' '=' @@ )?"`
}

type epollEventRule struct {
	Events exprRule `parser:"'events' '=' @@ ','"`
	Member string   `parser:"@( 'fd' | 'ptr' | 'u32' | 'u64' ) '='"`
	Data   exprRule `parser:"@@"`
}
