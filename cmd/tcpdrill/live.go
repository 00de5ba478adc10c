package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
)

// A live report is what people see on a terminal while a suite runs: what they must
// look at, as it happens, and below it a bar and what is running.
type live struct {
	tty  *os.File
	out  io.Writer     // leads there
	text report.Writer // nil if the results go elsewhere
	said bytes.Buffer  // by text

	mu      sync.Mutex // of all below, and of the terminal
	bar     *progressbar.ProgressBar
	total   int
	began   time.Time
	done    report.Tally
	running map[int]started
	drawn   bool
	stop    chan struct{}
	stopped sync.WaitGroup
}

// A started task is one that is running.
type started struct {
	name string
	at   time.Time
}

// barWidth is how many columns the bar itself has.
const barWidth = 20

// redraw is how often the bar is. What takes less isn't worth one.
const redraw = 200 * time.Millisecond

// newLive returns a live report on a terminal, to which out leads. Without text the
// results go elsewhere.
func newLive(tty *os.File, out io.Writer, text *report.TextOptions) *live {
	l := &live{tty: tty, out: out, done: report.Tally{}, running: map[int]started{}, stop: make(chan struct{})}
	if text != nil {
		l.text = report.Text(&l.said, *text)
	}
	return l
}

func (l *live) Begin(total int) {
	if l.text != nil {
		l.text.Begin(total)
	}
	l.total = total
	// It is asked for what it looks like: where it stands isn't its business.
	l.bar = progressbar.NewOptions(max(total, 1), progressbar.OptionSetWriter(io.Discard),
		progressbar.OptionSetWidth(barWidth), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false))
	l.began = time.Now()
	l.bar.StartWithoutRender()
	l.stopped.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-tick.C:
				l.mu.Lock()
				l.draw()
				l.mu.Unlock()
			}
		}
	})
}

// Run does nothing: observe was told before.
func (l *live) Run(report.Run) {}

// observe takes note of what begins and ends.
func (l *live) observe(e suite.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Result == nil {
		l.running[e.Index] = started{e.Task.Name, time.Now()}
		return
	}
	delete(l.running, e.Index)
	l.done[e.Result.Outcome.Verdict]++
	if l.text != nil {
		l.text.Run(*e.Result)
		if l.said.Len() > 0 {
			l.above(func() { _, _ = l.said.WriteTo(l.out) })
		}
	}
}

// say writes a message to another stream of the same terminal.
func (l *live) say(w io.Writer, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above(func() { fmt.Fprintln(w, message) })
}

// above lets something be written where the bar is, which moves down.
func (l *live) above(write func()) {
	again := l.drawn
	l.clear()
	write()
	if again {
		l.draw()
	}
}

func (l *live) End(all report.Total) {
	close(l.stop)
	l.stopped.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	if l.text != nil {
		l.text.End(all)
		_, _ = l.said.WriteTo(l.out)
		return
	}
	fmt.Fprintf(l.out, "%d run in %.1f s: %s\n", all.Total(), all.Took.Seconds(), all.Counts())
}

// clear leaves the terminal as if there were no bar.
func (l *live) clear() {
	if l.drawn {
		fmt.Fprint(l.tty, "\r\x1b[J")
	}
	l.drawn = false
}

// draw draws two lines and leaves the cursor on the first.
func (l *live) draw() {
	width := 80
	if w, _, err := term.GetSize(int(l.tty.Fd())); err == nil && w > 0 {
		width = w
	}
	l.drawn = true
	_ = l.bar.Set(max(0, min(l.done.Total(), l.total-1))) // at the end it would stand still
	_ = l.bar.RenderBlank()
	line := fmt.Sprintf("%s %d/%d", strings.TrimSpace(l.bar.String()), l.done.Total(), l.total)
	if n := l.done.Total(); n > 0 {
		left := time.Since(l.began) / time.Duration(n) * time.Duration(l.total-n)
		line += fmt.Sprintf(", %v left: %s", left.Round(time.Second), l.done.Counts())
	}
	fmt.Fprintf(l.tty, "\r%s\x1b[K\n%s\x1b[K\x1b[A\r", cut(line, width-1), cut(l.names(time.Now()), width-1))
}

// names are the scripts that are running, the one that takes longest first.
func (l *live) names(now time.Time) string {
	var all []started
	for _, s := range l.running {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b started) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, s := range all {
		name := s.name
		if d := now.Sub(s.at); d >= time.Second {
			name += fmt.Sprintf(" %.0f s", d.Seconds())
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// cut is text on at most so many columns.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}
