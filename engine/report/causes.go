package report

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"tcpdrill/engine"
)

// causes are the runs that didn't pass, by why.
type causes struct {
	groups []*cause
	failed int // runs
}

// A cause is what several runs failed of: their messages are the same but for
// numbers.
type cause struct {
	verdict engine.Verdict
	shape   string
	message string          // if it is the same one, else ""
	scripts map[string]bool // that have it
	places  []string        // "a.pkt:12"
}

// placesShown is how many places of a cause are listed.
const placesShown = 10

func (c *causes) add(r Run) {
	f, ok := r.first()
	v := r.Outcome.Verdict
	if !ok || v == engine.Pass {
		return
	}
	if v != engine.Unsupported {
		c.failed++
	}
	message := strings.Join(strings.Fields(f.Summary), " ")
	s := shape(message)
	i := slices.IndexFunc(c.groups, func(g *cause) bool { return g.verdict == v && g.shape == s })
	if i < 0 {
		i = len(c.groups)
		c.groups = append(c.groups, &cause{verdict: v, shape: s, message: message, scripts: map[string]bool{}})
	}
	g := c.groups[i]
	if g.message != message {
		g.message = ""
	}
	g.scripts[r.Script] = true
	where := r.Script
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d", r.Script, f.Line)
	}
	if !slices.Contains(g.places, where) {
		g.places = append(g.places, where)
	}
}

var number = regexp.MustCompile(`\b(0x[0-9a-f]+|\d+(\.\d+)*)\b`)

// shape is a message without what differs between scripts that fail of the same:
// numbers, and what follows on where a packet was expected.
func shape(message string) string {
	message, _, _ = strings.Cut(message, ": expected ")
	return number.ReplaceAllString(message, "…")
}

// write lists the causes, those of most scripts first, if several runs failed. With
// unsupported also what isn't supported is listed, as it wasn't before.
func (c *causes) write(w io.Writer, unsupported bool) {
	groups := slices.DeleteFunc(slices.Clone(c.groups), func(g *cause) bool {
		if g.verdict == engine.Unsupported {
			return !unsupported
		}
		return c.failed < 2
	})
	if len(groups) == 0 {
		return
	}
	slices.SortStableFunc(groups, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(rank(a.verdict), rank(b.verdict)), cmp.Compare(len(b.scripts), len(a.scripts)))
	})
	fmt.Fprintln(w, "by cause:")
	for _, g := range groups {
		message, label := g.message, ""
		if message == "" {
			message = g.shape
		}
		if g.verdict != engine.Fail {
			label = string(g.verdict) + ": "
		}
		places, more := g.places, ""
		if n := len(places) - placesShown; n > 0 {
			places, more = places[:placesShown], fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(w, "  %s%s — %s: %s%s\n", label, message, plural(len(g.scripts), "script"), strings.Join(places, ", "), more)
	}
}

// rank is the order in which verdicts are listed.
func rank(v engine.Verdict) int {
	return slices.Index([]engine.Verdict{engine.Error, engine.Fail, engine.Inconclusive, engine.Unsupported}, v)
}

// plural is "1 script" or "3 scripts".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// reruns is how often inconclusive scripts were run again.
type reruns struct{ scripts, times int }

func (n *reruns) add(r Run) {
	if r.Reruns > 0 {
		n.scripts++
		n.times += r.Reruns
	}
}

func (n reruns) write(w io.Writer) {
	switch {
	case n.scripts == 0:
	case n.scripts == 1 && n.times == 1:
		fmt.Fprintln(w, "1 script was run again, as the harness was late")
	case n.scripts == 1:
		fmt.Fprintf(w, "1 script was run again %d times, as the harness was late\n", n.times)
	default:
		fmt.Fprintf(w, "%d scripts were run again, %s in all, as the harness was late\n", n.scripts, plural(n.times, "time"))
	}
}
