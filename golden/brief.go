package golden

import (
	"fmt"
	"strings"
)

// Brief tells differences shortly: those of a kind together, the weightiest first.
func Brief(all []Difference) []string {
	var out []string
	done := map[string]bool{}
	for i, d := range all {
		if d.group == "" {
			out = append(out, d.Text)
			continue
		}
		key := string(d.What) + d.group
		if done[key] {
			continue
		}
		done[key] = true
		same := []Difference{d}
		for _, e := range all[i+1:] {
			if e.What == d.What && e.group == d.group {
				same = append(same, e)
			}
		}
		out = append(out, together(same))
	}
	return out
}

// together tells differences of a group.
func together(same []Difference) string {
	d := same[0]
	if len(same) == 1 {
		return d.Text
	}
	if d.place == "" || d.What != Flags {
		return fmt.Sprintf("%s, and %d more", d.Text, len(same)-1)
	}
	var places []string
	for _, s := range same[:min(len(same), 3)] {
		places = append(places, s.place)
	}
	text := d.group + strings.Join(places, ", ")
	if n := len(same) - len(places); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
