package engine

import (
	"fmt"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Calls that wait for descriptors: poll and epoll.

// buildPoll: poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1.
func (b *callBuilder) buildPoll() {
	b.passPollfds(0)
	b.passInt(2)
}

// buildPpoll: ppoll([{fd=4, events=POLLIN}], 1, {0, 1000000}, NULL) = 0, the
// timeout in seconds and nanoseconds. Signal masks can't be given.
func (b *callBuilder) buildPpoll() {
	b.passPollfds(0)
	b.passTimespec(2)
	if !b.passNull(3) {
		b.badType(b.c.Args[3], "NULL", "integer")
	}
}

// passTimespec passes NULL or {seconds, nanoseconds}.
func (b *callBuilder) passTimespec(i int) {
	if b.passNull(i) {
		return
	}
	elems, ok := elements(b.c.Args[i])
	if !ok || len(elems) != 2 {
		b.badType(b.c.Args[i], "NULL or {seconds, nanoseconds}", "list")
		return
	}
	buf := make([]byte, 16)
	le.PutUint64(buf, uint64(b.int64(elems[0])))
	le.PutUint64(buf[8:], uint64(b.int64(elems[1])))
	b.pass(Arg{Buf: buf})
}

// pollfd is sizeof(struct pollfd): int fd; short events, revents.
const pollfdLen = 8

// passPollfds passes an array of pollfds and its length, and compares what
// comes back with the script's revents.
func (b *callBuilder) passPollfds(i int) {
	elems, ok := elements(b.c.Args[i])
	if !ok {
		b.badType(b.c.Args[i], "a list of pollfds", "list")
		return
	}
	buf := newMemory(pollfdLen * len(elems))
	for n, elem := range elems {
		p, ok := elem.(script.Pollfd)
		if !ok {
			b.badType(elem, "a pollfd", "pollfd")
			return
		}
		b.encodePollfd(n, p, buf[pollfdLen*n:])
	}
	b.pass(Arg{Buf: buf})
	if nfds := b.passInt(i + 1); int(nfds) != len(elems) {
		b.failClassic(b.c.Args[i+1],
			fmt.Sprintf("nfds %d does not match %d-element pollfd array", nfds, len(elems)),
			"got a count of %d, want the %d elements of the array", nfds, len(elems))
	}
}

// encodePollfd lays out the n-th pollfd, and has it compared afterwards. The
// script's revents are there beforehand, so they stand if the call fails.
func (b *callBuilder) encodePollfd(n int, p script.Pollfd, buf []byte) {
	number := int(b.int32(p.FD))
	live := -1 // poll ignores it
	if number != -1 {
		live = b.fd(p.FD).live
	}
	var node script.Node = p
	said := p.Revents != nil
	var want uint16
	if said {
		node = p.Revents
		want = uint16(b.int64(p.Revents))
	}
	le.PutUint32(buf, uint32(live))
	le.PutUint16(buf[4:], uint16(b.int64(p.Events)))
	le.PutUint16(buf[6:], want)
	b.check(func(Result) []Mismatch {
		got := le.Uint16(buf[6:])
		if got == want {
			return nil
		}
		m := Mismatch{
			What: fmt.Sprintf("revents of fd %d", number), Node: node,
			Want: linux.Flags(int64(want), "POLL"), Got: linux.Flags(int64(got), "POLL"),
			Classic: fmt.Sprintf("Expected revents of %s but got %s for pollfd %d",
				classicFlags(want), classicFlags(got), n),
		}
		if said {
			m.Text = m.Got
		}
		return []Mismatch{m}
	})
}

// classicFlags writes poll's flags as packetdrill does: nothing for none.
func classicFlags(flags uint16) string {
	if flags == 0 {
		return ""
	}
	return linux.Flags(int64(flags), "POLL")
}

// buildEpollCreate: epoll_create(1) = 5.
func (b *callBuilder) buildEpollCreate() {
	b.passInt(0)
	b.returnsNewFD()
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret >= 0 {
			b.newFD(fdEpoll, res)
		}
		return nil
	}
}

// buildEpollCtl: epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0.
func (b *callBuilder) buildEpollCtl() {
	b.passFD(0)
	b.passInt(1)
	f := b.passFD(2)
	if b.passNull(3) {
		return
	}
	e, ok := b.c.Args[3].(script.EpollEvent)
	if !ok {
		b.badType(b.c.Args[3], "an epoll_event", "epollev")
		return
	}
	if e.Member == "fd" && int(b.int32(e.Data)) != f.script {
		b.failClassic(e.Data, "wrong fd specified in epoll_event",
			"got the event of another fd, want %d", f.script)
	}
	b.pass(Arg{Epoll: []EpollEvent{b.epollEvent(e)}})
}

// epollEvent evaluates an epoll_event; a descriptor in it becomes the live one.
func (b *callBuilder) epollEvent(e script.EpollEvent) EpollEvent {
	ev := EpollEvent{Events: uint32(b.int64(e.Events))}
	switch e.Member {
	case "fd":
		ev.Data = uint64(uint32(b.fd(e.Data).live))
	case "u32":
		ev.Data = uint64(uint32(b.int64(e.Data)))
	default: // ptr, u64
		ev.Data = uint64(b.int64(e.Data))
	}
	return ev
}

// buildEpollWait: epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1. One event is
// compared with the first that came, or with zeros if none came; those of a
// list, each with its own.
func (b *callBuilder) buildEpollWait() {
	b.passFD(0)
	arg := b.c.Args[1]
	elems, isList := elements(arg)
	if !isList {
		elems = []script.Expr{arg}
	}
	const most = 4096 // more descriptors than a script has
	maxEvents := min(int(b.int32(b.c.Args[2])), most)
	events := make([]EpollEvent, max(maxEvents, len(elems), 1))
	b.pass(Arg{Epoll: events})
	b.passInt(2)
	b.passInt(3)
	for i, elem := range elems {
		if !isList && isEllipsis(elem) {
			return
		}
		e, ok := elem.(script.EpollEvent)
		if !ok {
			b.badType(elem, "an epoll_event", "epollev")
			return
		}
		want := b.epollEvent(e)
		b.check(func(Result) []Mismatch { return b.compareEpoll(e, i, want, events[i]) })
	}
}

// compareEpoll compares the i-th event of epoll_wait.
func (b *callBuilder) compareEpoll(e script.EpollEvent, i int, want, got EpollEvent) []Mismatch {
	what := "epoll_event"
	if i > 0 {
		what = fmt.Sprintf("epoll_event %d", i)
	}
	var diffs []Mismatch
	source := b.epollSource(e.Member, got)
	if e.Member == "fd" || e.Member == "u32" {
		got.Data = uint64(uint32(got.Data)) // a smaller member of the union
	}
	if want.Events != got.Events {
		m := Mismatch{
			What: what + " events", Node: e.Events,
			Want: linux.Flags(int64(want.Events), "EPOLL"), Got: linux.Flags(int64(got.Events), "EPOLL"),
			Classic: fmt.Sprintf("epoll_event->events does not match script: expected: 0x%x actual: 0x%x\n",
				want.Events, got.Events),
		}
		if want.Data == got.Data { // else all of it is another
			m.Text = m.Got
		}
		diffs = append(diffs, m)
	}
	if want.Data != got.Data {
		diffs = append(diffs, Mismatch{
			What: what + " " + e.Member, Node: e.Data,
			Want: b.epollDataText(e.Member, want.Data), Got: b.epollDataText(e.Member, got.Data),
			Text: source, Place: e,
			Classic: fmt.Sprintf("epoll_event->data does not match script: expected: %s actual: %s\n",
				classicEpollData(e.Member, want.Data), classicEpollData(e.Member, got.Data)),
		})
	}
	return diffs
}

// epollSource is an event as a script has it, whose data is of the member of another.
func (b *callBuilder) epollSource(member string, ev EpollEvent) string {
	data := member + "=" + fmt.Sprint(ev.Data)
	switch n, known := b.s.scriptFD(int(int32(ev.Data))); {
	case known && ev.Data != 0:
		data = fmt.Sprintf("fd=%d", n)
	case ev.Data == 0:
		data = "ptr=0"
	case member == "fd":
		return "" // which the script doesn't know
	}
	return "{events=" + linux.Flags(int64(ev.Events), "EPOLL") + ", " + data + "}"
}

func (b *callBuilder) epollDataText(member string, data uint64) string {
	switch member {
	case "fd":
		if n, known := b.s.scriptFD(int(int32(data))); known {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%d, no fd of the script", int32(data))
	case "ptr":
		return fmt.Sprintf("%#x", data)
	}
	return fmt.Sprint(data)
}

func classicEpollData(member string, data uint64) string {
	switch {
	case member == "ptr" && data == 0:
		return "(nil)"
	case member == "ptr":
		return fmt.Sprintf("%#x", data)
	case member == "fd":
		return fmt.Sprint(int32(data))
	}
	return fmt.Sprint(data)
}
