package kernel

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/spawn"
)

// A Canary knows how late the machine is, on each processor. It is a process of its
// own, since threads that return to Go share its processors with the rest of the
// program.
//
// There are two ways to be late, and threads with the priority of scripts that look
// for each. One sleeps as scripts do, on a high-resolution timer. Two sleep in turns as
// the stack does, on the timer wheel, so that there is one for each tick. A wheel can be
// late though nothing is in its way: one processor counts jiffies for all, and another
// whose tick comes at the same instant may look at them just before, finds that nothing
// has expired, and looks again a tick later. With both of two processors busy a
// delayed ACK in five was 4 ms late on one of them, and none on the other. So scripts
// are best run on the processor that counts. It counts for as long as its tick never
// stops, and two threads that wake at each see to that.
type Canary struct {
	process *os.Process
	memory  []byte
	cpus    []int
	rings   []*canaryRing
	home    atomic.Int32 // index of the processor for scripts; -1: not known
	undo    func()       // lets workers, and this process, run there again
	dead    atomic.Bool
}

const (
	// canaryThreads is how many look at a processor.
	canaryThreads = 3
	// canaryPeriod is how often a thread sleeps as scripts do.
	canaryPeriod = 2 * time.Millisecond
	// canaryKept is how many late wake-ups are kept for each processor.
	canaryKept = 1 << 12
	// canaryNoise is how late a wake-up may be that isn't worth keeping.
	canaryNoise = 250 * time.Microsecond
	// canaryTicks is for how many ticks processors are compared.
	canaryTicks = 25
	// canaryPatience is how long that may take. A processor on which threads of others
	// run with a higher priority may never get so far.
	canaryPatience = 2 * time.Second
)

// A canaryRing is what is known of a processor, in memory that both processes see.
// Times are CLOCK_MONOTONIC, in nanoseconds.
type canaryRing struct {
	next  atomic.Int64 // when the first thread is to wake
	ticks atomic.Int64 // wake-ups by the wheel
	slow  atomic.Int64 // those that were a tick late, or more
	off   atomic.Int32 // not 0: this processor isn't looked at any more
	awake atomic.Int32 // not 0: this processor is kept from going idle
	count atomic.Int64 // late wake-ups of either kind so far
	late  [canaryKept]lateness
}

type lateness struct {
	due, by atomic.Int64
	wheel   atomic.Bool
}

// canaryEnv marks the process; its value are the processors, with commas.
const canaryEnv = "TCPDRILL_CANARY"

// StartCanary starts one. It ends with this process, or when it is closed.
func StartCanary() (*Canary, error) {
	c := &Canary{cpus: allowed()}
	c.home.Store(-1)
	n := len(c.cpus)
	fd, err := unix.MemfdCreate("canary", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "canary")
	defer file.Close()
	if c.memory, c.rings, err = mapCanary(fd, n); err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	c.process, err = spawn.Start("/proc/self/exe", os.Args[:1], &os.ProcAttr{
		Env: []string{
			canaryEnv + "=" + strings.Trim(strings.ReplaceAll(fmt.Sprint(c.cpus), " ", ","), "[]"),
			// Each thread keeps one of Go's processors.
			"GOMAXPROCS=" + strconv.Itoa((canaryThreads+1)*n+2), "GOGC=off", "GODEBUG=asyncpreemptoff=1",
		},
		Files: []*os.File{null, null, null, file},
		Sys:   &syscall.SysProcAttr{},
	})
	if err != nil {
		unix.Munmap(c.memory)
		return nil, err
	}
	go func() {
		c.process.Wait()
		c.dead.Store(true)
	}()
	return c, nil
}

// allowed lists the processors that this process may use.
func allowed() (cpus []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return []int{0}
	}
	for cpu := 0; len(cpus) < set.Count(); cpu++ {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// mapCanary maps the memory of so many rings.
func mapCanary(fd, n int) ([]byte, []*canaryRing, error) {
	const size = int(unsafe.Sizeof(canaryRing{}))
	if err := unix.Ftruncate(fd, int64(n*size)); err != nil {
		return nil, nil, os.NewSyscallError("ftruncate", err)
	}
	memory, err := unix.Mmap(fd, 0, n*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	var rings []*canaryRing
	for i := range n {
		rings = append(rings, (*canaryRing)(unsafe.Pointer(&memory[i*size])))
	}
	return memory, rings, nil
}

// Home returns the processor whose timers are never late, or least often, for scripts
// to run on; workers that are started from then on keep away from it but for their
// timelines. It takes some ticks to find out. There is none on a machine with one
// processor, or if ctx or the canary ends before, or no processor comes so far.
func (c *Canary) Home(ctx context.Context) (processor int, ok bool) {
	if len(c.rings) < 2 {
		return 0, false
	}
	if c.home.Load() < 0 {
		began := time.Now()
		for !c.all(canaryTicks) && time.Since(began) < canaryPatience {
			if ctx.Err() != nil || c.dead.Load() {
				return 0, false
			}
			time.Sleep(5 * time.Millisecond)
		}
		c.choose()
	}
	home := c.home.Load()
	if home < 0 {
		return 0, false
	}
	return c.cpus[home], true
}

// all reports whether so many ticks of each processor were looked at.
func (c *Canary) all(ticks int64) bool {
	return !slices.ContainsFunc(c.rings, func(r *canaryRing) bool { return r.ticks.Load() < ticks })
}

// choose chooses the processor for scripts, of those that were looked at for long enough.
// No other is looked at from then on.
func (c *Canary) choose() {
	best := -1
	for i, r := range c.rings {
		if r.ticks.Load() >= canaryTicks && (best < 0 || r.slow.Load() < c.rings[best].slow.Load()) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	for i, r := range c.rings {
		if i != best {
			r.off.Store(1)
		}
	}
	c.undo = avoid(c.cpus[best])
	c.home.Store(int32(best))
}

// StayAwake keeps the processor for scripts from going idle, until each caller has called its
// sleep, before Close. To wake a processor takes time; the host of a virtual machine does it when it sees fit, if
// others want its own: milliseconds later, for the stack's timers as for scripts. What keeps it
// busy has the lowest priority there is (SCHED_IDLE), and so is in nobody's way; unless its time
// is taken from a quota that the scripts have, too.
func (c *Canary) StayAwake() (sleep func()) {
	home := c.home.Load()
	if home < 0 || hasQuota() {
		return func() {}
	}
	r := c.rings[home]
	r.awake.Add(1)
	return sync.OnceFunc(func() { r.awake.Add(-1) })
}

// avoid keeps this process's threads, and so the processes that they start, from one
// processor, if there are others, until undo is called. They have no priority there, but
// what they are in the kernel for, to make a namespace or to end one, nobody can interrupt.
func avoid(processor int) (undo func()) {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return func() {}
	}
	others := all
	others.Clear(processor)
	everyThread(func(tid int) error { return unix.SchedSetaffinity(tid, &others) })
	return func() {
		everyThread(func(tid int) error { return unix.SchedSetaffinity(tid, &all) })
	}
}

// Late returns how late the processor for scripts was, at worst between two times of
// CLOCK_MONOTONIC; 0 if that is no longer known. As long as there is none, it is any
// processor, and the wheel is left out: where it is late, it is so too often. Of a canary
// that has ended it isn't known either.
func (c *Canary) Late(from, to time.Duration) time.Duration {
	if c.dead.Load() {
		return 0
	}
	if home := c.home.Load(); home >= 0 {
		return c.rings[home].between(from, to, true)
	}
	var worst time.Duration
	for _, r := range c.rings {
		worst = max(worst, r.between(from, to, false))
	}
	return worst
}

func (r *canaryRing) between(from, to time.Duration, wheel bool) (worst time.Duration) {
	now := clockGettime(unix.CLOCK_MONOTONIC)
	// It may be late at this very moment.
	if due := time.Duration(r.next.Load()); due > 0 && due < to && now > from {
		worst = now - due
	}
	count := r.count.Load()
	for i := count - 1; i >= max(0, count-canaryKept); i-- {
		slot := &r.late[i%canaryKept]
		due, by := time.Duration(slot.due.Load()), time.Duration(slot.by.Load())
		// All before it are older, though not in that order; those that are being
		// written, one for each thread, may still be older ones.
		if due+by < from-time.Second && i < count-canaryThreads {
			break
		}
		if due <= to && due+by >= from && (wheel || !slot.wheel.Load()) {
			worst = max(worst, by)
		}
	}
	return worst
}

// Now returns CLOCK_MONOTONIC.
func (c *Canary) Now() time.Duration { return clockGettime(unix.CLOCK_MONOTONIC) }

// Close ends it.
func (c *Canary) Close() error {
	if c.undo != nil {
		c.undo()
	}
	err := c.process.Kill()
	unix.Munmap(c.memory)
	c.rings = nil
	return err
}

// canaryMain is the process's own main. It returns in others.
func canaryMain() {
	list := os.Getenv(canaryEnv)
	if list == "" {
		return
	}
	cpus := strings.Split(list, ",")
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	_, rings, err := mapCanary(workerSocket, len(cpus))
	if err != nil {
		os.Exit(1)
	}
	var res unix.Timespec
	unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res)
	tick := time.Duration(res.Nano())
	for i, name := range cpus {
		cpu, err := strconv.Atoi(name)
		if err != nil {
			os.Exit(1)
		}
		go rings[i].watch(cpu)
		go rings[i].watchWheel(cpu, tick, 0)
		go rings[i].watchWheel(cpu, tick, 1)
		go rings[i].stayAwake(cpu)
	}
	select {}
}

// settle moves the calling thread to a processor, with the priority of scripts.
func settle(cpu int) {
	goTo(cpu)
	setScheduler(0, unix.SCHED_FIFO)
}

// goTo moves the calling thread to a processor.
func goTo(cpu int) {
	runtime.LockOSThread()
	var one unix.CPUSet
	one.Set(cpu)
	unix.SchedSetaffinity(0, &one)
}

// stayAwake keeps a processor from going idle while that is wanted.
func (r *canaryRing) stayAwake(cpu int) {
	goTo(cpu)
	if setScheduler(0, unix.SCHED_IDLE) != nil {
		return // it would be in others' way
	}
	for {
		for r.awake.Load() != 0 {
		}
		sleepUntil(clockGettime(unix.CLOCK_MONOTONIC) + 10*time.Millisecond)
	}
}

// watch sleeps for a while, again and again.
func (r *canaryRing) watch(cpu int) {
	settle(cpu)
	due := clockGettime(unix.CLOCK_MONOTONIC)
	for r.off.Load() == 0 {
		due += canaryPeriod
		r.next.Store(int64(due))
		sleepUntil(due)
		if now := clockGettime(unix.CLOCK_MONOTONIC); now-due > canaryNoise {
			r.note(due, now-due, false)
			due = now
		}
	}
}

// watchWheel sleeps from tick to tick, in turns with another thread: by an odd or an
// even number of them.
func (r *canaryRing) watchWheel(cpu int, tick time.Duration, odd int64) {
	settle(cpu)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	// A jiffy. A timer is never early, so it is over at the second tick from now.
	if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 1}) != nil {
		return
	}
	for r.off.Load() == 0 {
		// Ticks are where CLOCK_MONOTONIC is a multiple of theirs (see clock.Start).
		now := clockGettime(unix.CLOCK_MONOTONIC)
		if at := int64(now / tick); at%2 != odd {
			sleepUntil(time.Duration(at+1)*tick + tick/16)
			continue
		}
		due := (now/tick + 2) * tick
		var b [1]byte
		unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), 1, 0, 0, 0)
		late := clockGettime(unix.CLOCK_MONOTONIC) - due
		r.ticks.Add(1)
		if late > tick/2 {
			r.slow.Add(1)
			r.note(due, late, true)
		}
	}
}

// note keeps a late wake-up.
func (r *canaryRing) note(due, by time.Duration, wheel bool) {
	slot := &r.late[(r.count.Add(1)-1)%canaryKept]
	slot.due.Store(int64(due))
	slot.by.Store(int64(by))
	slot.wheel.Store(wheel)
}

// sleepUntil sleeps outside Go's scheduler's sight.
func sleepUntil(t time.Duration) {
	ts := unix.NsecToTimespec(int64(t))
	const absolute = 1 // TIMER_ABSTIME
	unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, absolute, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
}
