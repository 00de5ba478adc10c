package engine

import (
	"fmt"
	"strings"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// Fragments: IP packets that a stack has cut (RFC 791, section 3.2). Scripts are hardly ever
// about them, and what comes in pieces is never put together: TCP makes its segments fit the
// path, so that a fragment says of a stack that something is wrong.

// fragmentDiffs compares a packet with a line, where one of them is a fragment.
func fragmentDiffs(p *script.Packet, want *wire.Packet, got *segment) []fieldDiff {
	w, g := want.Fragment(), got.live.Fragment()
	var d diffList
	switch {
	case g == nil:
		const note = "it isn't an IP fragment"
		d = append(d, fieldDiff{field: "protocol", classic: "live packet: " + note, note: note, fatal: true})
	case w == nil || w.String() != g.String():
		d = append(d, isFragment(got))
	default:
		d.layers(p, want, got.packet)
	}
	return d
}

// isFragment says of a packet that it is a fragment, and which.
func isFragment(got *segment) fieldDiff {
	f := got.live.Fragment()
	version, rest := 4, "the last"
	if f.V6 {
		version = 6
	}
	if f.More {
		rest = "more follow (MF)"
	}
	text := fmt.Sprintf("it is an IPv%d fragment: %d bytes of %s at offset %d, %s, id %d",
		version, f.Len, strings.ToUpper(f.Carries()), f.Offset, rest, f.ID)
	note := text
	if whole := got.packet.Beginning(); whole != nil {
		note += "; it begins " + formatPacket(whole)
	}
	return fieldDiff{field: "protocol", classic: "live packet: " + text, note: note, fatal: true}
}

// differ says in a few words in what a packet isn't as expected.
func differ(got *segment, diffs []fieldDiff) string {
	if got.live.Fragment() != nil && diffs[0].field == "protocol" {
		return "an IP fragment"
	}
	return differs(diffs)
}
