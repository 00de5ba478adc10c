package engine

import (
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// A Verdict is what a run says of the stack.
type Verdict string

// The verdicts. Fail is a statement about the stack; a harness or machine that
// was late, or a packet we lost ourselves, makes a run Inconclusive.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Error        Verdict = "error"
	Unsupported  Verdict = "unsupported"
	Inconclusive Verdict = "inconclusive"
)

// An Outcome is all that is known after a run. It can cross a process
// boundary as JSON.
type Outcome struct {
	Verdict  Verdict
	Failures []Failure     // the first decides the verdict
	Timeline []Entry       // what happened, in order
	Warnings []Failure     // mismatches that --non_fatal lets pass
	Output   string        // what code blocks and commands printed
	Start    time.Duration // when the first event was due, by the stack's clock
	Duration time.Duration // from there to the end of the last event
	Tick     time.Duration // of the stack's timer; 0 if it has none
	// Tolerance is how far times could be off: a fixed amount, beside the percentage.
	Tolerance time.Duration
	Counters  LinkCounters
	Lateness  LatenessStats
	// Barely is what was in time by less than the harness itself was late just before, or had
	// drifted between the ticks of the stack's timers, or the machine was late: otherwise it
	// might not have been. "" if nothing was.
	Barely string `json:",omitempty"`
	// Early are the packets that timers sent before they were due, though in time: if the
	// machine was late meanwhile, they might have come too early.
	Early []Early `json:",omitempty"`
	// Improvised is the whole script, if it was made up while it ran.
	Improvised string `json:",omitempty"`
	// Packets are all that crossed the link, in order, from the first event to the
	// last; none unless they are asked for.
	Packets []Packet `json:",omitempty"`
}

// A Failure is one thing that was not as the script says.
type Failure struct {
	Verdict Verdict
	Line    int // of the script; 0 if of none
	Column  int
	Summary string // "wrong packet: flags and win differ"
	// Want and Got stand one under the other, column by column.
	Want, Got []Token
	Notes     []string
	// Window is when it happened, for failures of the stack.
	Window *Window `json:",omitempty"`
	// Delicate: the harness was in time, but not so exactly that it couldn't matter to
	// the stack. If the same comes again, it is a failure of the stack's.
	Delicate bool `json:",omitempty"`
	// Seen is what the script would have to say instead; nil if that isn't known.
	Seen *Seen `json:",omitempty"`
	// Classic is packetdrill's message for the same thing, without the file's
	// name and line.
	Classic string
}

// A Window is a time, by the script's, in which the machine must not have been late by
// more than Allowed: else so may the stack have been, and what it did says nothing.
type Window struct{ From, To, Allowed time.Duration }

// Early is a packet that was early by Off. If the machine was late by more than the window
// allows, that may be all that kept it from being too early.
type Early struct {
	Line   int
	Off    time.Duration
	Window Window
}

// A Token is a piece of a line in script notation. Tokens of an expected and
// an actual line with the same Field belong together.
type Token struct {
	Field  string
	Text   string
	Differ bool
}

// An EntryKind says what an entry of the timeline is.
type EntryKind string

// Kinds of entries.
const (
	EntryInject  EntryKind = "inject"  // a packet given to the stack
	EntryMatch   EntryKind = "match"   // a packet sent and expected
	EntryWrong   EntryKind = "wrong"   // a packet sent where another was expected
	EntryMissing EntryKind = "missing" // a packet expected that didn't come
	EntryExtra   EntryKind = "extra"   // a packet sent that no line expected
	EntryOther   EntryKind = "other"   // a packet of another socket
	EntryCall    EntryKind = "call"
	EntryReturn  EntryKind = "return" // of a call that blocked
	EntryCommand EntryKind = "command"
	EntryCode    EntryKind = "code"
	EntryDevice  EntryKind = "device" // its reader stalls or goes on, or a counter of it is read
)

// An Entry is one thing that happened.
type Entry struct {
	At   time.Duration // script time
	Line int           // of the script; 0 for what no line caused
	Kind EntryKind
	Text string
	// GSO is the gso_size of a super-segment, 0 for others.
	GSO   int    `json:",omitempty"`
	Cause string `json:",omitempty"`
	// Maybe are causes that a packet could have, if Cause isn't known: what called what in
	// the kernel may decide it.
	Maybe []string `json:",omitempty"`
	// Functions are those of the kernel that sent it, the innermost first; none unless
	// they are traced.
	Functions []string `json:",omitempty"`
	// Length is of a packet of the stack: bytes from the IP header, as the device got it.
	Length int `json:",omitempty"`
	// FragmentID is what the pieces of an IP packet that was cut have in common, 0 of what
	// isn't one.
	FragmentID uint32 `json:",omitempty"`
	// Sent numbers the packets of the stack, from 1, in the order in which they were
	// sent; 0 for what isn't one.
	Sent int `json:",omitempty"`
	// Result is what a call returned, as "1000" or "-1 EAGAIN"; "" for what
	// isn't a call, or blocks.
	Result string `json:",omitempty"`
	// Read is what a code block names of the socket's state, as it was then, or the
	// counter of the device that was read.
	Read []Reading `json:",omitempty"`

	// What becomes Text when the run is over: writing it out takes time that
	// the script's timeline doesn't have.
	packet  *wire.Packet // in script numbers
	source  *Captured    // of a packet of the stack's: becomes Cause
	clauses string       // behind it: " gso 1460"
	call    *script.Call
	code    *script.Code
}

// A Reading is a variable of the socket's state: "tcpi_snd_cwnd", "10".
type Reading struct{ Name, Value string }

// LatenessStats is how late the harness itself was.
type LatenessStats struct {
	Worst     Lateness // the worst
	Waits     int
	MaxReturn time.Duration // the longest that an injection took
}
