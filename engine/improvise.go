package engine

import (
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// An Improviser makes up the rest of a script while it runs, seeing what the
// stack sends, as the other end of a connection would. What it says is a script
// again, which runs without it.
type Improviser interface {
	// Sent tells of a packet that the stack sent, in script numbers, and its
	// gso_size (0: none).
	Sent(at time.Duration, p *wire.Packet, gso int)
	// Next returns when the next event is due, and ok = false at the script's
	// end. Packets that are sent until then are told first.
	Next() (at time.Duration, ok bool)
	// Event returns that event, with its time, on one line; "" for none.
	Event() string
	// Returned tells the result of a call that was the last event.
	Returned(ret int64)
}

// improvise goes on after the script's last line with what the improviser makes
// up.
func (r *runner) improvise() {
	for im := r.tools.Improviser; im != nil && !r.stopped(); {
		at, ok := im.Next()
		if !ok {
			return
		}
		g, err := r.sniff(r.calls.underTest, r.start+at, false)
		switch {
		case err != nil:
			r.failImprovised(err)
			return
		case g != nil:
			r.noteSegment(EntryExtra, g)
			im.Sent(g.at, g.packet, g.size())
			continue
		}
		line := im.Event()
		if line == "" {
			continue
		}
		if err := r.addEvent(line); err != nil {
			r.failImprovised(err)
			return
		}
		if r.next() {
			r.step()
			r.count++
		}
	}
}

// addEvent adds a line to the script.
func (r *runner) addEvent(line string) error {
	s, err := script.Parse(r.script.Name, []byte(line+"\n"), nil)
	if err != nil {
		return err
	}
	if r.improvised == nil {
		r.improvised = map[*script.Call]string{}
	}
	for _, ev := range s.Events {
		if ev.Call != nil {
			start, end := ev.Call.Span()
			r.improvised[ev.Call] = line[start.Offset:end.Offset]
		}
		if ev.Packet != nil {
			w, err := wire.FromScript(ev.Packet, r.cfg.IPVersion == IPv6)
			if err != nil {
				return err
			}
			r.built[ev] = w
		}
		r.script.Events = append(r.script.Events, ev)
	}
	return nil
}

func (r *runner) failImprovised(err error) {
	r.fail(Failure{Verdict: Error, Summary: "improvised: " + err.Error()})
}
