package process

import (
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/script/linux"
)

// A Task is a system call on its way. A call that must sleep returns Block after it
// has said what it waits for; it is then made again from its beginning, with the
// same task, whenever something of that happens. What it has done so far it keeps
// in the task.
type Task struct {
	ps   *Process
	call *engine.Call

	// Copied is how far a call that moves bytes has come.
	Copied int
	// Started is for calls that do something once, before they sleep.
	Started bool
	// Keep is whatever else a socket keeps while one of its calls sleeps.
	Keep any

	// deadline is when a sleeping call is woken up anyway; 0 until it sleeps for
	// the first time, engine.Forever for no deadline.
	deadline time.Duration
	// unsupported is what Unsupported is about.
	unsupported string

	prog  progress
	alarm func() // stops the alarm that wakes the task at its deadline; nil: none
	waits []*WaitQueue
	woken bool
	done  bool
	ret   int64
	errno abi.Errno
	ended time.Duration
}

// What a call returns beside Linux's errors.
const (
	// Block is no error: the call sleeps until something it waits for happens, and
	// is then made again.
	Block abi.Errno = -1
	// Unsupported says that the stack has no such call, option or argument; see
	// Task.No.
	Unsupported abi.Errno = -2
)

// Expired reports whether the deadline has come.
func (t *Task) Expired() bool { return t.deadline != 0 && t.ps.machine.Now() >= t.deadline }

// Wait says that the task sleeps until q is woken or, if timeout isn't
// engine.Forever, until that long after it first slept. It returns Block. The timeout
// is one of a socket's, and each sleep sets the alarm anew for what is left.
func (t *Task) Wait(q *WaitQueue, timeout time.Duration) abi.Errno {
	m := t.ps.machine
	if t.deadline == 0 {
		t.deadline = engine.Forever
		if timeout != engine.Forever {
			t.deadline = m.SocketDeadline(timeout)
		}
	}
	if t.deadline != engine.Forever {
		t.stopAlarm()
		t.alarm = m.Alarm(t.deadline, false, t.wake)
	}
	return t.Join(q)
}

// Join has the task woken by q, too. It returns Block.
func (t *Task) Join(q *WaitQueue) abi.Errno {
	q.tasks = append(q.tasks, t)
	t.waits = append(t.waits, q)
	return Block
}

// sleep sets the deadline at the first time that a task sleeps, for poll and epoll.
func (t *Task) sleep(timeout time.Duration) {
	if t.deadline != 0 {
		return
	}
	t.deadline = engine.Forever
	if timeout != engine.Forever {
		m := t.ps.machine
		t.deadline = m.Now() + timeout
		t.alarm = m.Alarm(t.deadline, true, t.wake)
	}
}

func (t *Task) stopAlarm() {
	if t.alarm != nil {
		t.alarm()
		t.alarm = nil
	}
}

// again makes a task ready for the next part of a call that is several of the
// protocol's: what the last one kept is gone.
func (t *Task) again() {
	t.stopAlarm()
	*t = Task{ps: t.ps, call: t.call, prog: t.prog}
}

// A WaitQueue is who wants to know when something may have become ready.
type WaitQueue struct {
	tasks []*Task
	// watchers are told of each wake-up: epoll's items.
	watchers []watcher
}

// A watcher is told what may have become ready, as EPOLL* bits.
type watcher interface{ notify(events uint32) }

// Wake wakes all tasks and tells all watchers. events are EPOLL* bits; 0 stands for
// whatever is watched for.
func (q *WaitQueue) Wake(events uint32) {
	for _, w := range q.watchers {
		w.notify(events)
	}
	for _, t := range q.tasks {
		t.wake()
	}
}

// Empty reports whether nobody waits or watches.
func (q *WaitQueue) Empty() bool { return len(q.tasks) == 0 && len(q.watchers) == 0 }

func (t *Task) wake() {
	if !t.woken && !t.done {
		t.woken = true
		t.ps.runnable = append(t.ps.runnable, t)
	}
}

// Make makes a system call. It returns when the call has returned or sleeps.
func (ps *Process) Make(c *engine.Call) *Task {
	t := &Task{ps: ps, call: c}
	ps.run(t)
	ps.RunTasks()
	return t
}

// RunTasks makes the calls again whose sleep has ended. It is to be called when
// everything that an event brought about is done, as a process runs when the
// kernel is done with a packet.
func (ps *Process) RunTasks() {
	for len(ps.runnable) > 0 {
		t := ps.runnable[0]
		ps.runnable = ps.runnable[1:]
		t.woken = false
		ps.run(t)
	}
}

// run makes a call, the first time or again.
func (ps *Process) run(t *Task) {
	for _, q := range t.waits {
		for i, other := range q.tasks {
			if other == t {
				q.tasks = append(q.tasks[:i:i], q.tasks[i+1:]...)
				break
			}
		}
	}
	t.waits = t.waits[:0]
	ret, e := ps.syscall(t)
	if e == Block {
		return
	}
	t.stopAlarm()
	t.done, t.ret, t.errno, t.ended = true, ret, e, ps.machine.Now()
	if e != 0 {
		t.ret = -1
	}
}

// Done reports whether the call has returned.
func (t *Task) Done() bool { return t.done }

// Ended returns when the call returned.
func (t *Task) Ended() time.Duration { return t.ended }

// Result is what the call returned, as the engine wants it.
func (t *Task) Result() engine.Result {
	if t.errno == Unsupported {
		what := t.unsupported
		if what == "" {
			what = "system call " + t.call.Name
		}
		return engine.Result{Ret: -1, Err: &engine.UnsupportedError{What: what}}
	}
	return engine.Result{Ret: t.ret, Errno: int(t.errno)}
}

// No says that the stack hasn't got something: "ioctl SIOCOUTQ". It returns
// Unsupported.
func (t *Task) No(what string) abi.Errno {
	t.unsupported = what
	return Unsupported
}

// Missing is the answer to an option that isn't modelled: Linux's, if it has none of
// that number either. The prefix says of which level it is: "SO_", "TCP_".
func (t *Task) Missing(prefix string, n int) abi.Errno {
	if n >= mrtFirst && n <= mrtLast && prefix != "SO_" && prefix != "UDP_" {
		return abi.EOPNOTSUPP // on any but a raw socket
	}
	if name := OptionName(prefix, int64(n)); name != "" {
		return t.No("socket option " + name)
	}
	return abi.ENOPROTOOPT
}

// Options of multicast routing (MRT_*, MRT6_*).
const (
	mrtFirst = 200
	mrtLast  = 212
)

// OptionName returns the name that scripts have for a number, of those that begin
// with a prefix, or "".
func OptionName(prefix string, n int64) string {
	for _, name := range linux.Names() {
		if !strings.HasPrefix(name, prefix) || slices.ContainsFunc(noOptions, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if v, _ := linux.Value(name); v == n {
			return name
		}
	}
	return ""
}

// noOptions are names, or how they begin, that look like an option's and are none,
// and options that Linux 6.12 hasn't got yet.
var noOptions = []string{
	"SO_EE_", "SO_INQ", "SO_RCVPRIORITY", "SO_PASSRIGHTS", "SO_ORIGINAL_DST", "SO_SECURITY_", "SO_WIFI_STATUS",
	"IP_PMTUDISC", "IP_DEFAULT_", "IP_DF", "IP_MF", "IP_RF", "IP_MSS", "IP_OFFMASK", "IP_MAX",
	"TCP_NLA_", "TCP_CA_", "TCP_CM_", "TCP_AO_KEYF_", "TCP_COOKIE_", "TCP_MD5SIG_FLAG_", "TCP_MD5SIG_MAXKEYLEN",
	"TCP_MAX", "TCP_ACCECN_", "TCP_INFINITE_", "TCP_MSS", "TCP_ESTABLISHED", "TCP_SYN_", "TCP_FIN_", "TCP_TIME_WAIT",
	"TCP_CLOS", "TCP_LAST_ACK", "TCP_LISTEN", "TCP_NEW_SYN_", "TCP_BOUND_",
	"IPV6_FL_", "IPV6_PMTUDISC", "IPV6_PREFER", "IPV6_RTHDR_", "IPV6_VERSION", "IPV6_FLOW_",
}
