package gostack

import (
	"math"
	"slices"
	"time"

	"tcpdrill/engine"
)

// Waiting for descriptors: poll and epoll.

// sysPoll is poll and ppoll.
func (s *Stack) sysPoll(t *task) (int64, errno) {
	fds := t.arg(0).Buf
	n := t.num(1)
	timeout := engine.Forever
	if t.call.Name == "ppoll" {
		if !t.null(2) {
			d, e := timespec(t.arg(2).Buf)
			if e != 0 {
				return -1, e
			}
			timeout = d
		}
	} else if ms := t.num(2); ms >= 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	switch {
	case n < 0 || n > maxFiles:
		return -1, einval
	case len(fds) < n*pollfdLen:
		return -1, efault
	}
	ready := int64(0)
	var queues []*waitQueue
	for i := range n {
		p := fds[i*pollfdLen:]
		mask, q := s.pollOne(int(int32(le.Uint32(p))), uint32(le.Uint16(p[4:])))
		le.PutUint16(p[6:], uint16(mask))
		if mask != 0 {
			ready++
		}
		if q != nil {
			queues = append(queues, q)
		}
	}
	if ready > 0 || timeout == 0 || t.expired() {
		return ready, 0
	}
	t.sleep(timeout)
	for _, q := range queues {
		t.join(q)
	}
	return -1, eblock
}

// pollOne returns what is true of a descriptor, of what is asked for.
func (s *Stack) pollOne(fd int, events uint32) (uint32, *waitQueue) {
	if fd < 0 {
		return 0, nil
	}
	of := s.fileAt(fd)
	if of == nil {
		return epollNval, nil
	}
	return of.poll() & (events | epollErr | epollHup), of.queue()
}

// An epollFile is what epoll_create makes (struct eventpoll).
type epollFile struct {
	s     *Stack
	items []*epollItem // in the order in which they were added
	ready []*epollItem // the ready list
	wait  waitQueue    // of epoll_wait
	polls waitQueue    // of those who poll the epoll descriptor itself
}

// An epollItem is a descriptor that an epollFile watches (struct epitem).
type epollItem struct {
	ep     *epollFile
	of     *openFile
	fd     int
	events uint32
	data   uint64
	listed bool // in the ready list
}

// Bits of events that say how to watch, not what for.
const epollPrivate = epollEt | epollOneshot | epollWakeup | epollExclusive

const eloop errno = 40

func (s *Stack) sysEpollCreate(t *task) (int64, errno) {
	n := t.num(0)
	cloexec := false
	if t.call.Name == "epoll_create" {
		if n <= 0 {
			return -1, einval
		}
	} else {
		if n&^oCloexec != 0 {
			return -1, einval
		}
		cloexec = n&oCloexec != 0
	}
	fd, e := s.addFD(&openFile{file: &epollFile{s: s}, flags: oRdwr}, 0, cloexec)
	return int64(fd), e
}

// find returns the item of a descriptor. What counts is the descriptor with the
// file that it stood for when it was added.
func (ep *epollFile) find(of *openFile, fd int) *epollItem {
	for _, it := range ep.items {
		if it.of == of && it.fd == fd {
			return it
		}
	}
	return nil
}

func (s *Stack) sysEpollCtl(t *task) (int64, errno) {
	op := t.num(1)
	var ev engine.EpollEvent
	if op != epollCtlDel {
		events := t.arg(3).Epoll
		if len(events) == 0 {
			return -1, efault
		}
		ev = events[0]
	}
	f, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	target, e := t.file(2)
	if e != 0 {
		return -1, e
	}
	if target.queue() == nil {
		return -1, eperm
	}
	ep, ok := f.file.(*epollFile)
	if !ok || f == target {
		return -1, einval
	}
	inner, nested := target.file.(*epollFile)
	if op != epollCtlDel && ev.Events&epollExclusive != 0 {
		const possible = epollIn | epollOut | epollErr | epollHup | epollWakeup | epollEt | epollExclusive
		if op == epollCtlMod || op == epollCtlAdd && (nested || ev.Events&^possible != 0) {
			return -1, einval
		}
	}
	if op == epollCtlAdd && nested && inner.reaches(ep, 0) {
		return -1, eloop
	}
	fd := t.num(2)
	it := ep.find(target, fd)
	ev.Events |= epollErr | epollHup
	switch op {
	case epollCtlAdd:
		if it != nil {
			return -1, eexist
		}
		ep.add(target, fd, ev)
	case epollCtlDel:
		if it == nil {
			return -1, enoent
		}
		ep.remove(it)
	case epollCtlMod:
		switch {
		case it == nil:
			return -1, enoent
		case it.events&epollExclusive != 0:
			return -1, einval
		}
		it.events, it.data = ev.Events, ev.Data
		it.look()
	default:
		return -1, einval
	}
	return 0, 0
}

// reaches reports whether an epoll descriptor is among those that this one watches,
// or too many lie in between.
func (ep *epollFile) reaches(other *epollFile, depth int) bool {
	if ep == other || depth > 4 {
		return true
	}
	for _, it := range ep.items {
		if inner, ok := it.of.file.(*epollFile); ok && inner.reaches(other, depth+1) {
			return true
		}
	}
	return false
}

// add begins to watch a file. Those who came last are told first, and behind them
// those who want to be told alone, in order: as a wait queue has it.
func (ep *epollFile) add(of *openFile, fd int, ev engine.EpollEvent) {
	it := &epollItem{ep: ep, of: of, fd: fd, events: ev.Events, data: ev.Data}
	ep.items = append(ep.items, it)
	of.items = append(of.items, it)
	q := of.queue()
	if ev.Events&epollExclusive == 0 {
		q.watchers = slices.Insert(q.watchers, 0, watcher(it))
	} else {
		group := q.exclusive()
		group.items = append(group.items, it)
	}
	it.look()
}

// An exclusiveGroup are the items of a queue of which one is told (EPOLLEXCLUSIVE).
type exclusiveGroup struct{ items []*epollItem }

// exclusive returns the queue's group.
func (q *waitQueue) exclusive() *exclusiveGroup {
	if n := len(q.watchers); n > 0 {
		if g, ok := q.watchers[n-1].(*exclusiveGroup); ok {
			return g
		}
	}
	g := &exclusiveGroup{}
	q.watchers = append(q.watchers, g)
	return g
}

func (g *exclusiveGroup) notify(events uint32) {
	for _, it := range g.items {
		if it.wakes(events) {
			return
		}
	}
}

// remove stops watching.
func (ep *epollFile) remove(it *epollItem) {
	is := func(x *epollItem) bool { return x == it }
	ep.items = slices.DeleteFunc(ep.items, is)
	ep.ready = slices.DeleteFunc(ep.ready, is)
	it.of.items = slices.DeleteFunc(it.of.items, is)
	q := it.of.queue()
	q.watchers = slices.DeleteFunc(slices.Clone(q.watchers), func(w watcher) bool {
		if g, ok := w.(*exclusiveGroup); ok {
			g.items = slices.DeleteFunc(slices.Clone(g.items), is)
			return len(g.items) == 0
		}
		return w == watcher(it)
	})
}

// epollForget stops watching a file that is gone.
func (s *Stack) epollForget(of *openFile) {
	for len(of.items) > 0 {
		it := of.items[0]
		it.ep.remove(it)
	}
}

// look puts the item into the ready list if what it watches for is true now.
func (it *epollItem) look() {
	if it.of.poll()&it.events != 0 {
		it.list()
	}
}

// list puts the item at the end of the ready list and wakes who waits.
func (it *epollItem) list() {
	if !it.listed {
		it.listed = true
		it.ep.ready = append(it.ep.ready, it)
	}
	it.ep.s.wake(&it.ep.wait, 0)
	it.ep.s.wake(&it.ep.polls, epollIn|epollRdnorm)
}

// notify implements watcher (ep_poll_callback).
func (it *epollItem) notify(events uint32) { it.wakes(events) }

// wakes lists the item, if the events are any that it watches for, and reports
// whether nobody else needs to be told.
func (it *epollItem) wakes(events uint32) bool {
	if it.events&^epollPrivate == 0 {
		return false // EPOLLONESHOT has had its one
	}
	if events != 0 && events&it.events == 0 {
		return false
	}
	waited := len(it.ep.wait.tasks) > 0
	it.list()
	if it.events&epollExclusive == 0 {
		return true
	}
	return waited && (events&(epollIn|epollOut) == 0 || events&it.events&(epollIn|epollOut) != 0)
}

func (s *Stack) sysEpollWait(t *task) (int64, errno) {
	most := t.num(2)
	if most <= 0 || most > math.MaxInt32/12 {
		return -1, einval
	}
	f, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	ep, ok := f.file.(*epollFile)
	if !ok {
		return -1, einval
	}
	timeout := engine.Forever
	if ms := t.num(3); ms >= 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	out := t.arg(1).Epoll
	if len(ep.ready) > 0 {
		if out == nil {
			if ep.poll() != 0 {
				return -1, efault
			}
		} else if n := ep.send(out[:min(len(out), most)]); n > 0 {
			return int64(n), 0
		}
	}
	if timeout == 0 || t.expired() {
		return 0, 0
	}
	t.sleep(timeout)
	return -1, t.join(&ep.wait)
}

// send returns what is ready (ep_send_events). Items that are level-triggered go to
// the end of the list again: whether they still are ready is found out next time.
func (ep *epollFile) send(out []engine.EpollEvent) int {
	list := ep.ready
	ep.ready = nil
	var again []*epollItem
	n := 0
	for len(list) > 0 && n < len(out) {
		it := list[0]
		list = list[1:]
		it.listed = false
		mask := it.of.poll() & it.events
		if mask == 0 {
			continue
		}
		out[n] = engine.EpollEvent{Events: mask, Data: it.data}
		n++
		switch {
		case it.events&epollOneshot != 0:
			it.events &= epollPrivate
		case it.events&epollEt == 0:
			it.listed = true
			again = append(again, it)
		}
	}
	// What nothing was left for goes first.
	ep.ready = append(append(list[:len(list):len(list)], again...), ep.ready...)
	return n
}

func (ep *epollFile) poll() uint32 {
	for _, it := range ep.ready {
		if it.of.poll()&it.events != 0 {
			return epollIn | epollRdnorm
		}
	}
	return 0
}

func (ep *epollFile) queue() *waitQueue { return &ep.polls }

func (ep *epollFile) release(*task) errno {
	for len(ep.items) > 0 {
		ep.remove(ep.items[0])
	}
	return 0
}

func (ep *epollFile) read(*task, [][]byte, bool) (int, errno)  { return 0, einval }
func (ep *epollFile) write(*task, [][]byte, bool) (int, errno) { return 0, einval }
