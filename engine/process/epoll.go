package process

import (
	"math"
	"slices"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// An epollFile is what epoll_create makes (struct eventpoll).
type epollFile struct {
	items []*epollItem // in the order in which they were added
	ready []*epollItem // the ready list
	wait  WaitQueue    // of epoll_wait
	polls WaitQueue    // of those who poll the epoll descriptor itself
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
const epollPrivate = abi.EpollEt | abi.EpollOneshot | abi.EpollWakeup | abi.EpollExclusive

func (ps *Process) sysEpollCreate(t *Task) (int64, abi.Errno) {
	n := t.num(0)
	cloexec := false
	if t.call.Name == "epoll_create" {
		if n <= 0 {
			return -1, abi.EINVAL
		}
	} else {
		if n&^abi.OCloexec != 0 {
			return -1, abi.EINVAL
		}
		cloexec = n&abi.OCloexec != 0
	}
	fd, e := ps.addFD(&openFile{File: &epollFile{}, flags: abi.ORdwr}, 0, cloexec)
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

func (ps *Process) sysEpollCtl(t *Task) (int64, abi.Errno) {
	op := t.num(1)
	var ev engine.EpollEvent
	if op != abi.EpollCtlDel {
		events := t.arg(3).Epoll
		if len(events) == 0 {
			return -1, abi.EFAULT
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
	if target.Queue() == nil {
		return -1, abi.EPERM
	}
	ep, ok := f.File.(*epollFile)
	if !ok || f == target {
		return -1, abi.EINVAL
	}
	inner, nested := target.File.(*epollFile)
	if op != abi.EpollCtlDel && ev.Events&abi.EpollExclusive != 0 {
		const possible = abi.EpollIn | abi.EpollOut | abi.EpollErr | abi.EpollHup | abi.EpollWakeup | abi.EpollEt | abi.EpollExclusive
		if op == abi.EpollCtlMod || op == abi.EpollCtlAdd && (nested || ev.Events&^possible != 0) {
			return -1, abi.EINVAL
		}
	}
	if op == abi.EpollCtlAdd && nested && inner.reaches(ep, 0) {
		return -1, abi.ELOOP
	}
	fd := t.num(2)
	it := ep.find(target, fd)
	ev.Events |= abi.EpollErr | abi.EpollHup
	switch op {
	case abi.EpollCtlAdd:
		if it != nil {
			return -1, abi.EEXIST
		}
		ep.add(target, fd, ev)
	case abi.EpollCtlDel:
		if it == nil {
			return -1, abi.ENOENT
		}
		ep.remove(it)
	case abi.EpollCtlMod:
		switch {
		case it == nil:
			return -1, abi.ENOENT
		case it.events&abi.EpollExclusive != 0:
			return -1, abi.EINVAL
		}
		it.events, it.data = ev.Events, ev.Data
		it.look()
	default:
		return -1, abi.EINVAL
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
		if inner, ok := it.of.File.(*epollFile); ok && inner.reaches(other, depth+1) {
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
	q := of.Queue()
	if ev.Events&abi.EpollExclusive == 0 {
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
func (q *WaitQueue) exclusive() *exclusiveGroup {
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
	q := it.of.Queue()
	q.watchers = slices.DeleteFunc(slices.Clone(q.watchers), func(w watcher) bool {
		if g, ok := w.(*exclusiveGroup); ok {
			g.items = slices.DeleteFunc(slices.Clone(g.items), is)
			return len(g.items) == 0
		}
		return w == watcher(it)
	})
}

// epollForget stops watching a file that is gone.
func (ps *Process) epollForget(of *openFile) {
	for len(of.items) > 0 {
		it := of.items[0]
		it.ep.remove(it)
	}
}

// look puts the item into the ready list if what it watches for is true now.
func (it *epollItem) look() {
	if it.of.Poll()&it.events != 0 {
		it.list()
	}
}

// list puts the item at the end of the ready list and wakes who waits.
func (it *epollItem) list() {
	if !it.listed {
		it.listed = true
		it.ep.ready = append(it.ep.ready, it)
	}
	it.ep.wait.Wake(0)
	it.ep.polls.Wake(abi.EpollIn | abi.EpollRdnorm)
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
	if it.events&abi.EpollExclusive == 0 {
		return true
	}
	return waited && (events&(abi.EpollIn|abi.EpollOut) == 0 || events&it.events&(abi.EpollIn|abi.EpollOut) != 0)
}

func (ps *Process) sysEpollWait(t *Task) (int64, abi.Errno) {
	most := t.num(2)
	if most <= 0 || most > math.MaxInt32/12 {
		return -1, abi.EINVAL
	}
	f, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	ep, ok := f.File.(*epollFile)
	if !ok {
		return -1, abi.EINVAL
	}
	timeout := engine.Forever
	if ms := t.num(3); ms >= 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	out := t.arg(1).Epoll
	if len(ep.ready) > 0 {
		if out == nil {
			if ep.Poll() != 0 {
				return -1, abi.EFAULT
			}
		} else if n := ep.send(out[:min(len(out), most)]); n > 0 {
			return int64(n), 0
		}
	}
	if timeout == 0 || t.Expired() {
		return 0, 0
	}
	t.sleep(timeout)
	return -1, t.Join(&ep.wait)
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
		mask := it.of.Poll() & it.events
		if mask == 0 {
			continue
		}
		out[n] = engine.EpollEvent{Events: mask, Data: it.data}
		n++
		switch {
		case it.events&abi.EpollOneshot != 0:
			it.events &= epollPrivate
		case it.events&abi.EpollEt == 0:
			it.listed = true
			again = append(again, it)
		}
	}
	// What nothing was left for goes first.
	ep.ready = append(append(list[:len(list):len(list)], again...), ep.ready...)
	return n
}

func (ep *epollFile) Poll() uint32 {
	for _, it := range ep.ready {
		if it.of.Poll()&it.events != 0 {
			return abi.EpollIn | abi.EpollRdnorm
		}
	}
	return 0
}

func (ep *epollFile) Queue() *WaitQueue { return &ep.polls }

func (ep *epollFile) Release(*Task) abi.Errno {
	for len(ep.items) > 0 {
		ep.remove(ep.items[0])
	}
	return 0
}

func (ep *epollFile) Read(*Task, [][]byte, bool) (int, abi.Errno)  { return 0, abi.EINVAL }
func (ep *epollFile) Write(*Task, [][]byte, bool) (int, abi.Errno) { return 0, abi.EINVAL }
