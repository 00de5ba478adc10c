package tracefs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ours are how functions of the protocols begin. What is between them is of sockets, IP
// and devices, and says nothing of why.
var ours = []string{"tcp_", "__tcp_", "do_tcp_", "udp_", "udpv6_", "reqsk_", "inet_csk_", "inet_rtx_", "inet_twsk_"}

// common is what all segments of a connection go through.
var common = []string{"__tcp_transmit_skb", "tcp_transmit_skb"}

// bottom are functions that call those of timers and softirqs: what is further out was
// interrupted. A packet that is injected doesn't pass through a softirq.
var bottom = []string{"call_timer_fn", "__hrtimer_run_queues", "handle_softirqs", "__do_softirq"}

// queued are functions that send what a queueing discipline has kept, be it from whom it
// may: those around them say nothing of it.
var queued = []string{"__qdisc_run", "net_tx_action"}

// A parser reads the text of trace_pipe, which is the same in Linux 4.17 and 6.18:
//
//	curl-321 [000] b..1.  394.860667: net_dev_start_xmit: dev=tun0 … len=60 … gso_size=0 …
//	curl-321 [000] b..1.  394.860919: <stack trace>
//	 => dev_hard_start_xmit
//	 => …
//
// Of several processors the lines are in the order of time: another's packet may come
// between a packet and its stack, but not between the lines of a stack.
//
// Some kernels can't unwind the stack of a processor that was idle. What is known then is
// the timer whose function runs: timer_expire_entry and timer_expire_exit are about it.
type parser struct {
	emit func(Sending) // is called for each packet
	lost func()        // is called when the kernel had no room for some

	line    []byte             // that isn't whole yet
	waiting map[string]Sending // for their stacks, by processor
	timers  map[string]string  // whose functions run, by processor
	stack   *Sending           // whose that is
	bottom  bool               // of it has been reached
}

// processor is where a line says where something happened, behind the name of a process,
// which may be anything.
var processor = regexp.MustCompile(`-\d+ +\[(\d+)\] `)

func newParser(emit func(Sending), lost func()) *parser {
	return &parser{emit: emit, lost: lost, waiting: map[string]Sending{}, timers: map[string]string{}}
}

// parse takes in a piece of text.
func (p *parser) parse(text []byte) {
	for _, c := range text {
		if c != '\n' {
			p.line = append(p.line, c)
			continue
		}
		p.take(string(p.line))
		p.line = p.line[:0]
	}
}

// take takes in a line.
func (p *parser) take(line string) {
	if name, ok := strings.CutPrefix(line, " => "); ok {
		p.function(name)
		return
	}
	if p.stack != nil {
		p.emit(*p.stack)
		p.stack = nil
	}
	if strings.HasSuffix(line, " EVENTS]") { // CPU:1 [LOST 12 EVENTS]
		clear(p.waiting)
		clear(p.timers)
		p.lost()
		return
	}
	at := processor.FindStringSubmatchIndex(line)
	if at == nil {
		return
	}
	cpu, rest := line[at[2]:at[3]], line[at[1]:]
	s, waits := p.waiting[cpu]
	delete(p.waiting, cpu)
	if strings.HasSuffix(rest, ": <stack trace>") {
		if waits {
			s.Functions = nil
			p.stack, p.bottom = &s, false
		}
		return
	}
	if waits {
		p.emit(s) // without a stack
	}
	p.event(cpu, rest)
}

// event takes in an event of a processor, from the flags on.
func (p *parser) event(cpu, text string) {
	head, fields, _ := strings.Cut(text, ": ")
	name, fields, _ := strings.Cut(fields, ": ")
	switch name {
	case "net_dev_start_xmit":
		s, ok := packet(head, fields)
		if f := p.timers[cpu]; f != "" {
			s.Functions = []string{f}
		}
		if ok {
			p.waiting[cpu] = s
		}
	case "timer_expire_entry":
		_, f, _ := strings.Cut(fields, "function=")
		f, _, _ = strings.Cut(f, " ")
		p.timers[cpu] = f
	case "timer_expire_exit":
		delete(p.timers, cpu)
	}
}

// packet reads what is said of a packet.
func packet(head, fields string) (s Sending, ok bool) {
	var err error
	s.At, err = time.ParseDuration(head[strings.LastIndexByte(head, ' ')+1:] + "s")
	for word := range strings.FieldsSeq(fields) {
		if value, ok := strings.CutPrefix(word, "len="); ok {
			s.Length, _ = strconv.Atoi(value)
		}
	}
	return s, err == nil
}

// function takes in the next function of a stack, outwards.
func (p *parser) function(name string) {
	if p.stack == nil || p.bottom {
		return
	}
	name, _, _ = strings.Cut(name, ".") // tcp_ack.part.0, as the compiler cut it
	switch {
	case slices.Contains(bottom, name), slices.Contains(queued, name):
		p.bottom = true
	case slices.Contains(common, name):
		p.stack.Functions = nil
	case slices.ContainsFunc(ours, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
		p.stack.Functions = append(p.stack.Functions, name)
	}
}
