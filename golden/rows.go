package golden

import "slices"

// A Row is what stands side by side: one event on each side, or several that carry
// the same bytes, or some on one side only.
type Row struct {
	Ref, Own []*Event
	Differ   []What // in what they differ; none: in nothing
}

// rows lays both traces side by side, in the order of the reference.
func (c *comparer) rows() {
	pairOf := map[*Event]pair{} // of the first of each
	for _, p := range c.pairs {
		if p.a0 < p.a1 {
			pairOf[c.refSent[p.a0]] = p
		}
	}
	others := map[*Event]pair{}
	for _, p := range c.otherPairs {
		if p.a0 < p.a1 {
			others[c.refOther[p.a0]] = p
		}
	}
	at := map[*Event]int{} // among the other's events
	for i := range c.own.Events {
		at[&c.own.Events[i]] = i
	}
	ownNext, ownInputs, refInputs := 0, 0, 0
	row := func(ref, own []*Event) { c.out.Rows = append(c.out.Rows, Row{Ref: ref, Own: own}) }
	// What only the other has comes where it happened there: before the input that
	// followed.
	before := func(limit int, input *Event) {
		for ownNext < limit && (input == nil || at[c.ownSent[ownNext]] < at[input]) {
			row(nil, c.ownSent[ownNext:ownNext+1])
			ownNext++
		}
	}
	limitOf := func(i int) int { // own's segments before what stands beside ref's i-th
		for ; i < len(c.refSent); i++ {
			if p, ok := pairOf[c.refSent[i]]; ok && p.b0 < p.b1 {
				return p.b0
			}
		}
		return len(c.ownSent)
	}
	sent := 0
	for i := range c.ref.Events {
		e := &c.ref.Events[i]
		switch {
		case e.input():
			var own []*Event
			if i := c.inputs[refInputs]; i >= 0 {
				for ; ownInputs < i; ownInputs++ {
					row(nil, c.ownIn[ownInputs:ownInputs+1])
				}
				own = c.ownIn[i : i+1]
				before(limitOf(sent), own[0])
				ownInputs = i + 1
			}
			refInputs++
			row([]*Event{e}, own)
		case e.Kind == State:
			row([]*Event{e}, nil)
		case e.Segment.Other:
			if p, ok := others[e]; ok {
				row(c.refOther[p.a0:p.a1], c.ownOther[p.b0:p.b1])
			}
		default:
			if p, ok := pairOf[e]; ok {
				if p.b0 < p.b1 {
					before(p.b0, nil)
					ownNext = p.b1
				}
				row(c.refSent[p.a0:p.a1], c.ownSent[p.b0:p.b1])
			}
			sent++
		}
	}
	before(len(c.ownSent), nil)
	for _, p := range c.otherPairs {
		if p.a0 == p.a1 {
			row(nil, c.ownOther[p.b0:p.b1])
		}
	}
	for ; ownInputs < len(c.ownIn); ownInputs++ {
		row(nil, c.ownIn[ownInputs:ownInputs+1])
	}
	for i, r := range c.out.Rows {
		for _, e := range slices.Concat(r.Ref, r.Own) {
			c.rowOf[e] = i
		}
	}
}
