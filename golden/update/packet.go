package update

import (
	"fmt"
	"slices"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// fields returns the edits that make of an expected packet the one that was sent, of
// all that the script says and that differs; and why of some of it there are none.
func (r *round) fields(ev *script.Event, got *script.Packet, seen *engine.Seen) (edits []edit, why []string) {
	want := ev.Packet
	differs := func(field string) bool { return slices.Contains(seen.Fields, field) }
	if differs("time") {
		edits = append(edits, r.timeEdit(ev, timeText(&ev.Time, seen)))
	}
	if len(want.Encap) > 0 && (differs("ip") || differs("protocol")) || differs("protocol") {
		return edits, append(why, "the packet has other headers: "+seen.Packet)
	}
	if differs("ip") {
		text, ok := ipText(want.IP, got.IP)
		if ok {
			edits = append(edits, edit{want.IP.Pos.Offset, want.IP.EndPos.Offset, text})
		} else {
			why = append(why, "the IP header differs in what can't be rewritten")
		}
	}
	for field, text := range map[string]string{
		"checksum": "the IP header's checksum is wrong",
		"payload":  "the payload isn't what was written",
	} {
		if differs(field) {
			why = append(why, text+", which a script can't say")
		}
	}
	if n := want.GSO(); n != nil && differs("gso") {
		if is := got.GSO(); is != nil {
			edits = append(edits, numberEdit(*n, *is))
		} else {
			why = append(why, "the packet stands for one segment only, so that its line can't have a gso")
		}
	}
	if differs("cause") && want.TCP != nil && want.TCP.Cause != nil {
		c := want.TCP.Cause
		edits = append(edits, edit{c.Pos.Offset, c.EndPos.Offset, fmt.Sprintf("%q", seen.Cause)})
	}
	switch {
	case want.TCP != nil && got.TCP != nil:
		edits = append(edits, r.segment(want.TCP, got.TCP, differs)...)
		if slices.ContainsFunc(seen.Fields, func(f string) bool { return strings.HasPrefix(f, "option") }) {
			changed := options(want.TCP, got.TCP, seen.Fields)
			if len(changed) == 0 {
				why = append(why, "the header's length differs, and its options don't")
			}
			edits = append(edits, changed...)
		}
	case want.UDP != nil && got.UDP != nil && differs("length"):
		edits = append(edits, numberEdit(want.UDP.Length, got.UDP.Length))
	case want.ICMP != nil && got.ICMP != nil && (differs("icmp") || differs("length")):
		text := script.FormatPacket(&script.Packet{Direction: script.Outbound, ICMP: got.ICMP})
		edits = append(edits, edit{want.ICMP.Pos.Offset, want.ICMP.EndPos.Offset, strings.TrimPrefix(text, "> ")})
	}
	return edits, why
}

// segment returns the edits of what stands between an IP header and the options.
func (r *round) segment(want, got *script.TCP, differs func(string) bool) (edits []edit) {
	if differs("flags") {
		at := want.FlagsAt()
		edits = append(edits, edit{at.Pos.Offset, at.EndPos.Offset, got.FlagsText()})
	}
	if differs("seq") || differs("length") {
		w, g := &want.Seq, &got.Seq
		edits = append(edits, numberEdit(w.First, g.First), numberEdit(w.Last, g.Last), numberEdit(w.Length, g.Length))
	}
	if differs("win") && want.Window != nil && got.Window != nil {
		edits = append(edits, numberEdit(*want.Window, *got.Window))
	}
	if differs("ack") {
		edits = append(edits, namedEdit("ack", want.Ack, got.Ack, want.Seq.EndPos.Offset))
	}
	if differs("urg") {
		edits = append(edits, namedEdit("urg", want.Urgent, got.Urgent, numbersEnd(want.Seq, want.Ack, want.Window)))
	}
	return edits
}

// namedEdit is the edit of a number that may come or go, with its name: behind what ends
// at an offset.
func namedEdit(name string, want, got *script.Int, at int) edit {
	switch {
	case want != nil && got != nil:
		return numberEdit(*want, *got)
	case want != nil:
		return edit{at, want.EndPos.Offset, ""}
	case got != nil:
		return edit{at, at, " " + name + " " + got.String()}
	}
	return edit{at, at, ""}
}

// numbersEnd is where the last of some numbers behind a sequence range ends, or that.
func numbersEnd(seq script.SeqRange, numbers ...*script.Int) int {
	end := seq.EndPos.Offset
	for _, n := range numbers {
		if n != nil {
			end = max(end, n.EndPos.Offset)
		}
	}
	return end
}

// numberEdit puts a number in another's place, unless that is the same however it is
// written.
func numberEdit(want, got script.Int) edit {
	text := got.String()
	if got.Value == want.Value {
		text = want.String()
	}
	return edit{want.Pos.Offset, want.EndPos.Offset, text}
}

// ipText is what a line is to say of the IP header: of the fields of which it speaks.
// ok is false if that isn't to be said: which flow label it is, is the stack's affair.
func ipText(want, got *script.IPInfo) (text string, ok bool) {
	if want == nil || got == nil {
		return "", false
	}
	info := *want
	switch {
	case want.ECN == script.ECNAsTOS:
		info.TOS = got.TOS
	case want.ECN != script.ECNNone && got.ECN != script.ECNNone:
		info.ECN = got.ECN
		if e := got.ECN; want.ECN == script.ECT01 && (e == script.ECT0 || e == script.ECT1) {
			info.ECN = want.ECN
		}
	}
	if want.TTL != nil {
		info.TTL = got.TTL
	}
	text = ipInfoText(&info)
	return text, text != ipInfoText(want)
}

// ipInfoText is a line's words on the IP header, brackets included.
func ipInfoText(info *script.IPInfo) string {
	p := script.Packet{Direction: script.Outbound, IP: info, UDP: &script.UDP{}}
	return strings.TrimSuffix(strings.TrimPrefix(script.FormatPacket(&p), "> "), " udp (0)")
}
