package suite

import (
	"slices"
	"testing"
	"time"
)

// paced plays scripts that take so long, and as much more as extra says, and returns how
// long they take together, and how many ran at a time at most.
func paced(takes []time.Duration, extra time.Duration, most int) (whole time.Duration, atATime int) {
	var now time.Time
	p := newPace(takes, now)
	ends := map[int]time.Time{}
	for next := 0; next < len(takes) || len(ends) > 0; now = now.Add(time.Millisecond) {
		for i, end := range ends {
			if !now.Before(end) {
				delete(ends, i)
				p.done(i)
			}
		}
		for next < len(takes) && len(ends) < p.atATime(now, most) {
			p.begin(next, takes[next], now)
			ends[next] = now.Add(takes[next] + extra)
			next++
		}
		atATime = max(atATime, len(ends))
	}
	return now.Sub(time.Time{}), atATime
}

// A suite takes as long as its longest script, with as few at a time as that needs.
func TestPace(t *testing.T) {
	short := func(n int, d time.Duration) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }
	for _, tt := range []struct {
		name    string
		takes   []time.Duration
		extra   time.Duration
		whole   time.Duration // at most
		atATime int           // at most
	}{
		{"one long", append(short(1, 20*time.Second), short(10, 200*time.Millisecond)...), 200 * time.Millisecond, 20500 * time.Millisecond, 2},
		{"one", short(1, time.Second), 0, 1010 * time.Millisecond, 1},
		{"many", append(short(1, 20*time.Second), short(159, 500*time.Millisecond)...), 300 * time.Millisecond, 20500 * time.Millisecond, 10},
		{"longer than they say", append(short(1, 20*time.Second), short(100, 500*time.Millisecond)...), 2 * time.Second, 22100 * time.Millisecond, 24},
		{"too many", append(short(1, 2*time.Second), short(100, time.Second)...), 300 * time.Millisecond, 7 * time.Second, 24},
		{"nothing waits", short(400, 0), 200 * time.Millisecond, 3500 * time.Millisecond, 24},
	} {
		whole, atATime := paced(tt.takes, tt.extra, 24)
		if whole > tt.whole || atATime > tt.atATime {
			t.Errorf("%s: took %v with %d at a time; want %v, %d", tt.name, whole, atATime, tt.whole, tt.atATime)
		}
	}
}
