package suite

import (
	"sync"
	"time"
)

// A pace says how many scripts are to run at a time for a suite to take no longer than
// its longest script. More gain nothing: they keep each other from being on time, and if
// the machine stands still for a moment, all that run then are late.
type pace struct {
	mu      sync.Mutex
	end     time.Time         // by then all are to have ended
	pending time.Duration     // of those that haven't begun, one after the other
	ends    map[int]time.Time // of those that run, by their own times
}

const (
	// paceExtra is what a script takes beside its own times: to set it up, to judge it, and to
	// take down what was set up, while others do so, too.
	paceExtra = 300 * time.Millisecond
	// paceShare is the part of the longest script's time in which all are to be done. The
	// rest is for those that run again, and those that take longer than they say.
	paceShare = 0.8
)

// newPace returns the pace of scripts that take so long by their own times.
func newPace(takes []time.Duration, began time.Time) *pace {
	p := &pace{ends: map[int]time.Time{}}
	var longest time.Duration
	for _, d := range takes {
		p.pending += d + paceExtra
		longest = max(longest, d)
	}
	p.end = began.Add(time.Duration(paceShare * float64(longest)))
	return p
}

// atATime returns how many are to run at a time, of so many that may.
func (p *pace) atATime(now time.Time, most int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.end.Sub(now)
	if left <= 0 {
		return most
	}
	work, overdue := p.pending, 0
	for _, end := range p.ends {
		if rest := end.Sub(now); rest > 0 {
			work += min(rest, left) // what is longer takes a place until then
		} else {
			overdue++ // nobody knows how long that takes
		}
	}
	return min(most, int((work+left-1)/left)+overdue)
}

// begin says that one begins which takes so long by its own times.
func (p *pace) begin(i int, takes time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending -= takes + paceExtra
	p.ends[i] = now.Add(takes + paceExtra)
}

// done says that it has ended.
func (p *pace) done(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.ends, i)
}
