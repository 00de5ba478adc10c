package update

import (
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// finest is how many decimals a time gets at most, unless the script's has more: tenths
// of milliseconds.
const finest = 4

// timeText is the time at which a packet came, in the form that the script's has: a
// range stays as wide as it is. One that came before the event before it has no relative
// time, and may then come at any.
func timeText(t *script.Time, seen *engine.Seen) string {
	relative := t.Kind == script.Relative || t.Kind == script.RelativeRange
	sign := ""
	x := seen.At
	if relative {
		sign, x = "+", seen.At-seen.Since
	}
	if x < -seen.Tolerance || x < 0 && t.Kind == script.Relative && t.Start == 0 {
		return "*"
	}
	x, slack := max(x, 0), seen.Tolerance/4
	if t.Kind != script.AbsoluteRange && t.Kind != script.RelativeRange {
		return sign + secondsText(x, t.StartText, relative, slack)
	}
	width := t.End - t.Start
	start := rounded(max(x-width/2, 0), decimalsFor(max(x-width/2, 0), t.StartText, max(width/4, slack)))
	exact := func(d time.Duration, like string) string { return secondsText(d, like, relative, 0) }
	return sign + exact(start, t.StartText) + "~" + sign + exact(start+width, t.EndText)
}

// secondsText writes a time as another is written: with as many decimals, or more if it
// would be off by more than slack.
func secondsText(d time.Duration, like string, relative bool, slack time.Duration) string {
	n := decimalsFor(d, like, slack)
	text := strconv.FormatFloat(rounded(d, n).Seconds(), 'f', n, 64)
	if strings.Contains(text, ".") && (n > decimals(like) || !strings.HasSuffix(like, "0")) {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	whole := strings.HasPrefix(like, "0.") || !relative && !strings.HasPrefix(like, ".")
	if strings.HasPrefix(text, "0.") && !whole {
		text = text[1:]
	}
	return text
}

// decimalsFor is how many decimals a time needs so that it is off by no more than slack:
// those of the script's own, or more.
func decimalsFor(d time.Duration, like string, slack time.Duration) int {
	n := decimals(like)
	for n < finest && (rounded(d, n)-d).Abs() > slack {
		n++
	}
	return n
}

// decimals is how many decimals a number has.
func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return min(len(fraction), 9)
}

// rounded rounds a time to n decimals of a second.
func rounded(d time.Duration, n int) time.Duration {
	unit := time.Second
	for range n {
		unit /= 10
	}
	return d.Round(unit)
}
