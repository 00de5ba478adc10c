package crosscheck

import (
	"math/rand/v2"
	"time"
)

// An ID says which of all random scripts one is.
type ID struct{ Seed, Index uint64 }

// A dice draws what a script does; the same ID gives the same draws.
type dice struct{ *rand.Rand }

func newDice(id ID) dice {
	return dice{rand.New(rand.NewPCG(mixed(id.Seed), mixed(id.Seed+id.Index)^mixed(id.Index)))}
}

// mixed spreads a number's bits (splitmix64), so that neighbours have nothing in
// common.
func mixed(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// chance reports true in so many of a hundred draws.
func (d dice) chance(percent float64) bool { return d.Float64()*100 < percent }

// between draws a number from low to high.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// ms draws a duration in whole milliseconds.
func (d dice) ms(low, high int) time.Duration {
	return time.Duration(d.between(low, high)) * time.Millisecond
}

// offset draws how long after a grain's start something happens: never just at it,
// so that a round trip is always a little longer than whole milliseconds.
func (d dice) offset() time.Duration { return time.Duration(d.between(10, 80)) * time.Microsecond }

// pick draws one of several.
func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

// A weighted choice is drawn as often as its weight says.
type weighted[T any] struct {
	weight int
	value  T
}

func draw[T any](d dice, of []weighted[T]) T {
	total := 0
	for _, w := range of {
		total += w.weight
	}
	n := d.IntN(total)
	for _, w := range of {
		if n -= w.weight; n < 0 {
			return w.value
		}
	}
	return of[0].value
}
