package gostack

import (
	"time"

	"tcpdrill/engine"
)

// A task is a system call on its way. A call that must sleep returns eblock after
// it has said what it waits for; it is then made again from its beginning, with
// the same task, whenever something of that happens. What it has done so far it
// keeps in the task.
type task struct {
	s    *Stack
	call *engine.Call

	// copied is how far a call that moves bytes has come.
	copied int
	// started is for calls that do something once, before they sleep.
	started bool
	// deadline is when a sleeping call is woken up anyway; 0 until it sleeps for
	// the first time, engine.Forever for no deadline.
	deadline time.Duration

	// unsupported is what eunsupported is about.
	unsupported string

	// What a send keeps while it sleeps.
	waiting    *tcpSock // it slept on this socket
	sent       int      // bytes taken so far
	copiedHere int      // of them, into the write queue
	fastopen   bool     // it opens the connection, too
	bias       int      // of the socket's writePending
	zerocopy   *zerocopyRef
	stamp      time.Duration // of what was read
	tsflags    uint32        // sofTx*, of its control messages

	prog  progress
	timer timer
	waits []*waitQueue
	woken bool
	done  bool
	ret   int64
	errno errno
	ended time.Duration
}

// expired reports whether the deadline has come.
func (t *task) expired() bool { return t.deadline != 0 && t.s.now >= t.deadline }

// wait says that the task sleeps until q is woken or, if timeout isn't
// engine.Forever, until that long after it first slept. It returns eblock. A
// socket's timeouts are those of the wheel (schedule_timeout), and each sleep arms
// the timer anew for what is left.
func (t *task) wait(q *waitQueue, timeout time.Duration) errno {
	if t.deadline == 0 {
		t.deadline = engine.Forever
		if timeout != engine.Forever {
			t.deadline = t.s.jiffyTime(t.s.jiffies() + uint64(t.s.toJiffies(timeout)))
		}
	}
	if t.deadline != engine.Forever {
		t.timer.fn = func() { t.s.wakeTask(t) }
		t.s.delTimer(&t.timer)
		t.s.modTimer(&t.timer, uint64(t.deadline/t.s.tick)+t.s.phase)
	}
	return t.join(q)
}

// join has the task woken by q, too. It returns eblock.
func (t *task) join(q *waitQueue) errno {
	q.tasks = append(q.tasks, t)
	t.waits = append(t.waits, q)
	return eblock
}

// sleep sets the deadline at the first time that a task sleeps, for poll and epoll:
// theirs is an hrtimer.
func (t *task) sleep(timeout time.Duration) {
	if t.deadline != 0 {
		return
	}
	t.deadline = engine.Forever
	if timeout != engine.Forever {
		t.deadline = t.s.now + timeout
		t.timer.fn = func() { t.s.wakeTask(t) }
		t.s.startAt(&t.timer, t.deadline)
	}
}

// A waitQueue is who wants to know when something may have become ready.
type waitQueue struct {
	tasks []*task
	// watchers are told of each wake-up: epoll's items.
	watchers []watcher
}

// A watcher is told what may have become ready, as EPOLL* bits.
type watcher interface{ notify(events uint32) }

// wake wakes all tasks and tells all watchers. events are EPOLL* bits.
func (s *Stack) wake(q *waitQueue, events uint32) {
	for _, w := range q.watchers {
		w.notify(events)
	}
	for _, t := range q.tasks {
		s.wakeTask(t)
	}
}

func (s *Stack) wakeTask(t *task) {
	if !t.woken && !t.done {
		t.woken = true
		s.runnable = append(s.runnable, t)
	}
}

// runTasks makes the calls again whose sleep has ended. It is called when
// everything that an event brought about is done, as a process runs when the
// kernel is done with a packet.
func (s *Stack) runTasks() {
	for len(s.runnable) > 0 {
		t := s.runnable[0]
		s.runnable = s.runnable[1:]
		t.woken = false
		s.runTask(t)
	}
}

// runTask makes a call, the first time or again.
func (s *Stack) runTask(t *task) {
	for _, q := range t.waits {
		for i, other := range q.tasks {
			if other == t {
				q.tasks = append(q.tasks[:i:i], q.tasks[i+1:]...)
				break
			}
		}
	}
	t.waits = t.waits[:0]
	ret, e := s.syscall(t)
	if e == eblock {
		return
	}
	s.delTimer(&t.timer)
	t.done, t.ret, t.errno, t.ended = true, ret, e, s.now
	if e != 0 {
		t.ret = -1
	}
}

// result is a call's result as the engine wants it.
func (t *task) result() engine.Result {
	if t.errno == eunsupported {
		what := t.unsupported
		if what == "" {
			what = "system call " + t.call.Name
		}
		return engine.Result{Ret: -1, Err: &engine.UnsupportedError{What: what}}
	}
	return engine.Result{Ret: t.ret, Errno: int(t.errno)}
}

// no says that the stack hasn't got something.
func (t *task) no(what string) errno {
	t.unsupported = what
	return eunsupported
}
