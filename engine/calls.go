package engine

import (
	"fmt"
	"strconv"
	"time"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// This file and its companions stand between a script's system calls and the
// target. A call goes the same way whatever its name:
//
//	prepare    evaluates the script's arguments and lays them out as Linux has
//	           them (calls_eval.go; one builder per call in the other files)
//	before     notes what is about to happen: a socket that connects
//	the call   made by the event loop
//	finish     compares result, errno and memory with the script, all of them,
//	           and notes what happened: a descriptor more, a socket accepted
//
// What is compared, and when, is what packetdrill compares, so that a script
// has one verdict; forms of arguments it refuses are additions.

// callState is what the system calls of one run share: the descriptors and
// sockets of the script, and the memory it handed to the stack.
type callState struct {
	cfg    *Config
	target Target        // for wall-clock times; the loop makes the calls
	start  time.Duration // the target's time at which the script's was 0

	fds       []*fd     // newest last; live is -1 for sockets not yet accepted
	sockets   []*socket // newest last
	underTest *socket   // the socket that packets are matched with

	keep  []any  // memory that targets may still refer to
	zeros []byte // what writes send
}

// newCallState returns the state of a run that hasn't made a call. The start of
// the script's time is to be set when it is known.
func newCallState(cfg *Config, target Target) *callState {
	return &callState{cfg: cfg, target: target}
}

// A preparedCall is a system call ready to be made.
type preparedCall struct {
	call Call
	// before is to be called right before the call is made.
	before func()
	// finish is to be called with the call's result, unless the target could
	// not make the call at all (Result.Err), and the time it ended. It returns
	// the differences from the script, nil if there are none.
	finish func(res Result, ended time.Duration) []Mismatch
}

// A Mismatch is one difference between what a system call did and what the
// script says.
type Mismatch struct {
	What    string // "result", "msg_flags", "revents of fd 4"
	Want    string // in the script's notation
	Got     string
	Node    script.Node // the part of the script that says otherwise
	Classic string      // packetdrill's words for it
	// Text is what the script would have to say in Place not to differ; "" if the
	// language has no words for it, or they aren't the harness's to find.
	Text  string
	Place script.Node // nil: Node
}

// A CallError says that a system call can't be made as the script has it.
type CallError struct {
	Node        script.Node
	Msg         string // one line, no full stop, without the call's name
	Unsupported bool   // the script is right, but nothing here can do it
	Classic     string // packetdrill's words for it
}

func (e *CallError) Error() string { return e.Msg }

// A callSpec is what prepare knows of a system call.
type callSpec struct {
	min, max int // number of arguments
	build    func(*callBuilder)
}

var callSpecs = map[string]callSpec{
	"socket":      {3, 3, (*callBuilder).buildSocket},
	"bind":        {3, 3, (*callBuilder).buildBind},
	"listen":      {2, 2, (*callBuilder).buildListen},
	"accept":      {3, 3, (*callBuilder).buildAccept},
	"accept4":     {4, 4, (*callBuilder).buildAccept},
	"connect":     {3, 3, (*callBuilder).buildConnect},
	"shutdown":    {2, 2, (*callBuilder).buildShutdown},
	"getsockname": {3, 3, (*callBuilder).buildSockname},
	"getpeername": {3, 3, (*callBuilder).buildSockname},

	"read":     {3, 3, (*callBuilder).buildRead},
	"recv":     {4, 4, (*callBuilder).buildRead},
	"recvfrom": {6, 6, (*callBuilder).buildRead},
	"readv":    {3, 3, (*callBuilder).buildVector},
	"write":    {3, 3, (*callBuilder).buildWrite},
	"send":     {4, 4, (*callBuilder).buildWrite},
	"sendto":   {6, 6, (*callBuilder).buildSendto},
	"writev":   {3, 3, (*callBuilder).buildVector},
	"close":    {1, 1, (*callBuilder).buildClose},
	"dup":      {1, 1, (*callBuilder).buildDup},

	"recvmsg":  {3, 3, (*callBuilder).buildRecvmsg},
	"sendmsg":  {3, 3, (*callBuilder).buildSendmsg},
	"recvmmsg": {5, 5, (*callBuilder).buildRecvmmsg},
	"sendmmsg": {4, 4, (*callBuilder).buildSendmmsg},

	"getsockopt": {5, 5, (*callBuilder).buildGetsockopt},
	"setsockopt": {5, 5, (*callBuilder).buildSetsockopt},
	"ioctl":      {2, 3, (*callBuilder).buildIoctl},
	"fcntl":      {2, 3, (*callBuilder).buildFcntl},
	"cap_set":    {3, 3, (*callBuilder).buildCapSet},

	"poll":          {3, 3, (*callBuilder).buildPoll},
	"ppoll":         {4, 4, (*callBuilder).buildPpoll},
	"epoll_create":  {1, 1, (*callBuilder).buildEpollCreate},
	"epoll_create1": {1, 1, (*callBuilder).buildEpollCreate},
	"epoll_ctl":     {4, 4, (*callBuilder).buildEpollCtl},
	"epoll_wait":    {4, 4, (*callBuilder).buildEpollWait},

	"open":     {2, 3, (*callBuilder).buildOpen},
	"pipe":     {1, 1, (*callBuilder).buildPipe},
	"pipe2":    {2, 2, (*callBuilder).buildPipe},
	"splice":   {6, 6, (*callBuilder).buildSplice},
	"sendfile": {4, 4, (*callBuilder).buildSendfile},

	"psp_rx_assoc": {2, 2, (*callBuilder).buildPSP},
	"psp_tx_assoc": {2, 2, (*callBuilder).buildPSP},
}

// prepare checks a call and encodes it for the target. Its errors are
// *CallError. It must be called when all earlier calls have ended, since these
// decide which descriptors there are; nothing changes before preparedCall's
// before.
func (s *callState) prepare(c *script.Call) (*preparedCall, error) {
	spec, ok := callSpecs[c.Name]
	if !ok {
		return nil, &CallError{
			Node:    nameRange(c.NamePos, c.Name, c.NameSymbol),
			Msg:     "unknown system call " + c.Name,
			Classic: "Unknown system call: '" + c.Name + "'",
		}
	}
	b := &callBuilder{s: s, c: c, call: Call{Name: c.Name}}
	if n := len(c.Args); n < spec.min || n > spec.max {
		b.argCount(spec)
		return nil, b.err
	}
	b.evalResult()
	spec.build(b)
	if b.err != nil {
		return nil, b.err
	}
	before := b.before
	if before == nil {
		before = func() {}
	}
	s.keep = append(s.keep, b.call.Args)
	return &preparedCall{call: b.call, before: before, finish: b.finish}, nil
}

// A callBuilder makes one preparedCall. Its methods note the first error and
// go on with zeros; they change nothing of the state.
type callBuilder struct {
	s    *callState
	c    *script.Call
	err  *CallError
	call Call

	want      wantResult
	returnsFD bool // success is any descriptor: which, the script can't know
	showFlags string

	before func()
	// checks compare what the call wrote to memory.
	checks []func(Result) []Mismatch
	// after tracks what the call did. It returns differences that tracking
	// finds. matched says whether the result was the script's.
	after func(res Result, matched bool) []Mismatch
}

// wantResult is what stands behind a call's '='.
type wantResult struct {
	any      bool // ...
	value    int32
	hasErrno bool
	errno    int
}

// evalResult evaluates what stands behind the '='.
func (b *callBuilder) evalResult() {
	if isEllipsis(b.c.Result) {
		b.want.any = true
	} else {
		b.want.value = b.int32(b.c.Result)
	}
	if b.c.Errno == "" {
		return
	}
	n, ok := linux.Errno(b.c.Errno)
	if !ok {
		b.failClassic(nameRange(b.c.ErrnoPos, b.c.Errno, b.c.ErrnoSymbol), "unknown symbol: '"+b.c.Errno+"'",
			"unknown error %s", b.c.Errno)
	}
	b.want.hasErrno, b.want.errno = true, n
}

// check adds a comparison of what the call wrote to memory.
func (b *callBuilder) check(f func(Result) []Mismatch) { b.checks = append(b.checks, f) }

// finish is preparedCall.finish.
func (b *callBuilder) finish(res Result, _ time.Duration) []Mismatch {
	diffs := b.compareResult(res)
	matched := len(diffs) == 0
	// Memory is worth looking at when the call went as the script says, which
	// includes failing, or at least worked.
	if matched || res.Ret >= 0 {
		for _, check := range b.checks {
			diffs = append(diffs, check(res)...)
		}
	}
	if b.after != nil {
		diffs = append(diffs, b.after(res, matched)...)
	}
	return diffs
}

// compareResult compares the returned number and errno. Numbers are C's int,
// as packetdrill takes them.
func (b *callBuilder) compareResult(res Result) []Mismatch {
	got := int32(res.Ret)
	errnoText := linux.Strerror(res.Errno)
	text := b.resultSource(got, res.Errno)
	switch {
	case b.want.any:
	case b.returnsFD && b.want.value >= 0:
		if got < 0 {
			return []Mismatch{{
				What: "result", Want: "a descriptor", Got: b.resultText(got, res.Errno), Node: b.c.Result,
				Text: text, Place: resultPlace(b.c),
				Classic: fmt.Sprintf("Expected non-negative result but got %d with errno %d (%s)",
					got, res.Errno, errnoText),
			}}
		}
	case got != b.want.value:
		if b.returnsFD && got >= 0 {
			text = "" // what the script calls it is its own choice
		}
		return []Mismatch{{
			What: "result", Want: b.resultText(b.want.value, b.want.errno), Got: b.resultText(got, res.Errno),
			Node: b.c.Result, Text: text, Place: resultPlace(b.c),
			Classic: fmt.Sprintf("Expected result %d but got %d with errno %d (%s)",
				b.want.value, got, res.Errno, errnoText),
		}}
	}
	if b.want.hasErrno && res.Errno != b.want.errno {
		return []Mismatch{{
			What: "errno", Want: errnoName(b.want.errno), Got: errnoName(res.Errno),
			Node: nameRange(b.c.ErrnoPos, b.c.Errno, b.c.ErrnoSymbol),
			Text: text, Place: resultPlace(b.c),
			Classic: fmt.Sprintf("Expected errno %d (%s) but got %d (%s)",
				b.want.errno, linux.Strerror(b.want.errno), res.Errno, errnoText),
		}}
	}
	return nil
}

// resultText writes a call's result as a script has it.
func (b *callBuilder) resultText(value int32, errno int) string {
	switch {
	case value < 0 && errno != 0:
		return fmt.Sprintf("%d %s", value, errnoName(errno))
	case value >= 0 && b.showFlags != "":
		return fmt.Sprintf("%#x (%s)", value, linux.Flags(int64(value), b.showFlags))
	}
	return strconv.Itoa(int(value))
}

// errnoName writes an error as a script has it.
func errnoName(errno int) string {
	if errno == 0 {
		return "no error"
	}
	return linux.ErrnoName(errno) + " (" + linux.Strerror(errno) + ")"
}

// findFD returns the open descriptor that the script calls n, or nil. Of
// several, it is the newest.
func (s *callState) findFD(n int) *fd {
	for i := len(s.fds) - 1; i >= 0; i-- {
		if f := s.fds[i]; !f.closed && f.live >= 0 && f.script == n {
			return f
		}
	}
	return nil
}

// scriptFD returns the script's number of a live descriptor; known is false
// if it has none.
func (s *callState) scriptFD(live int) (n int, known bool) {
	for i := len(s.fds) - 1; i >= 0; i-- {
		if f := s.fds[i]; !f.closed && f.live == live && f.script >= 0 {
			return f.script, true
		}
	}
	return 0, false
}

// newFD notes a descriptor that the call returned. Where the script has no
// number for it (it expected an error, or anything), the descriptor is kept
// all the same, to be closed at the end.
func (b *callBuilder) newFD(kind fdKind, res Result) *fd {
	f := &fd{kind: kind, script: b.fdNumber(), live: int(res.Ret)}
	b.s.fds = append(b.s.fds, f)
	return f
}

// fdNumber is what the script calls the descriptor that the call returns: -1 if
// it has no number for it.
func (b *callBuilder) fdNumber() int {
	if b.want.any || b.want.value < 0 {
		return -1
	}
	return int(b.want.value)
}

// returnsNewFD says that the call returns a descriptor, whose number in the
// script must be free.
func (b *callBuilder) returnsNewFD() {
	b.returnsFD = true
	if n := b.fdNumber(); n >= 0 {
		b.freeFD(b.c.Result, n)
	}
}

// freeFD checks that the script has no open descriptor n.
func (b *callBuilder) freeFD(node script.Node, n int) {
	if b.s.findFD(n) != nil {
		b.failClassic(node, fmt.Sprintf("duplicate fd %d in script", n),
			"fd %d is open already", n)
	}
}

func (b *callBuilder) buildPSP() {
	b.unsupported(nameRange(b.c.NamePos, b.c.Name, b.c.NameSymbol), "system call %s is not supported here", b.c.Name)
}
