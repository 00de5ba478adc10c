package update

import (
	"fmt"
	"slices"
	"strings"

	"tcpdrill/script"
)

// options returns the edits of TCP options. Those that are the same stay as they are
// written; fields says which others of a kind differ, as for timestamps that isn't told
// by their numbers.
func options(want, got *script.TCP, fields []string) []edit {
	w, g := want.Options, got.Options
	end := numbersEnd(want.Seq, want.Ack, want.Window, want.Urgent)
	switch {
	case len(w) == 0 && len(g) == 0:
		return nil
	case len(g) == 0:
		return []edit{{end, want.OptionsAt.EndPos.Offset, ""}}
	case len(w) == 0:
		return []edit{{end, end, " <" + join(g) + ">"}}
	}
	if slices.EqualFunc(w, g, sameKind) {
		var edits []edit
		for i, o := range w {
			if !sameOption(o, g[i]) || slices.Contains(fields, optionField(i)) {
				edits = append(edits, edit{o.Pos.Offset, o.EndPos.Offset, optionText(o, g[i])})
			}
		}
		return edits
	}
	before := 0
	for before < min(len(w), len(g)) && sameOption(w[before], g[before]) {
		before++
	}
	after := 0
	for after < min(len(w), len(g))-before && sameOption(w[len(w)-1-after], g[len(g)-1-after]) {
		after++
	}
	oldPart, newPart := w[before:len(w)-after], join(g[before:len(g)-after])
	switch {
	case len(oldPart) > 0 && newPart != "":
		return []edit{{oldPart[0].Pos.Offset, oldPart[len(oldPart)-1].EndPos.Offset, newPart}}
	case len(oldPart) > 0 && after > 0: // with the comma behind them
		return []edit{{oldPart[0].Pos.Offset, w[len(w)-after].Pos.Offset, ""}}
	case len(oldPart) > 0:
		return []edit{{w[before-1].EndPos.Offset, oldPart[len(oldPart)-1].EndPos.Offset, ""}}
	case after > 0:
		at := w[before].Pos.Offset
		return []edit{{at, at, newPart + ","}}
	}
	at := w[before-1].EndPos.Offset
	return []edit{{at, at, "," + newPart}}
}

// optionText is what the script is to say of an option: an echo of which nothing is
// checked stays what it is.
func optionText(want, got *script.TCPOption) string {
	if got.Kind == script.OptTimestamp && want.Kind == got.Kind {
		o := *got
		o.Echo = want.Echo
		return o.String()
	}
	return got.String()
}

// optionField is how the i-th option is called among the fields that differ.
func optionField(i int) string { return fmt.Sprintf("option %d", i) }

func sameKind(a, b *script.TCPOption) bool { return a.Kind == b.Kind }

// sameOption reports whether two options say the same, but for timestamps.
func sameOption(a, b *script.TCPOption) bool {
	if a.Kind != b.Kind || a.Kind == script.OptTimestamp {
		return a.Kind == b.Kind
	}
	return a.Value.Value == b.Value.Value && strings.EqualFold(a.Blob.Text, b.Blob.Text) &&
		slices.EqualFunc(a.Blocks, b.Blocks, func(a, b script.SACKBlock) bool {
			return a.Left.Value == b.Left.Value && a.Right.Value == b.Right.Value
		}) &&
		slices.EqualFunc(a.Counters, b.Counters, func(a, b script.AccECNCounter) bool {
			return a.Name == b.Name && a.Value.Value == b.Value.Value
		})
}

func sameOptions(a, b []*script.TCPOption) bool { return slices.EqualFunc(a, b, sameOption) }

func join(options []*script.TCPOption) string {
	var texts []string
	for _, o := range options {
		texts = append(texts, o.String())
	}
	return strings.Join(texts, ",")
}
