package engine

import (
	"fmt"

	"tcpdrill/script"
)

// What a script says of the device: that its reader stalls and goes on, and what its
// counters are. What the device drops never reaches the other end, so that no line
// sees it, and what waits for the reader is seen when that has it.

// device does what the event at hand says of the device.
func (r *runner) device(d *script.Device) {
	if !r.wait("device event") {
		return
	}
	before := r.target.Now()
	if d.Expects() {
		r.counter(d)
	} else {
		r.note(EntryDevice, r.text(d))
		r.stall(d)
	}
	r.stackEnd = r.now()
	r.heldUp(r.target.Now() - before)
}

// stall stops the device's reader, or lets it go on.
func (r *runner) stall(d *script.Device) {
	link, ok := r.target.(StallingLink)
	if !ok {
		r.failDevice(d, &UnsupportedError{What: "stalling the device's reader"})
		return
	}
	counters, err := r.target.Counters()
	if err == nil {
		if d.Verb == script.DeviceStall {
			r.stalled, r.atStall = true, counters.TxDropped
			err = link.Stall()
		} else {
			r.endStall(counters)
			err = link.Resume()
		}
	}
	if err != nil {
		r.failDevice(d, err)
	}
}

// endStall counts what was dropped while the reader was stalled, if it is: all of that
// the script asked for.
func (r *runner) endStall(now LinkCounters) {
	if r.stalled {
		r.stalled = false
		r.asked += now.TxDropped - r.atStall
	}
}

// counter compares a counter, from the script's start, with what it is to be.
func (r *runner) counter(d *script.Device) {
	counters, err := r.target.Counters()
	if err != nil {
		r.failDevice(d, err)
		return
	}
	got := counters.TxDropped - r.base.TxDropped
	if d.Verb == script.DeviceRxDropped {
		got = counters.RxDropped - r.base.RxDropped
	}
	name, value := d.Verb, fmt.Sprint(got)
	r.note(EntryDevice, r.text(d)).Read = []Reading{{name, value}}
	if got == uint64(d.Count.Value) {
		return
	}
	f := r.failure(Fail, d.Pos, name+" differs")
	f.Want = []Token{{Field: "device", Text: "device " + name}, {Field: "count", Text: d.Count.String(), Differ: true}}
	f.Got = []Token{{Field: "device", Text: "device " + name}, {Field: "count", Text: value, Differ: true}}
	f.Classic = fmt.Sprintf("%s: expected: %s vs actual: %s", name, d.Count, value)
	start, end := d.Count.Span()
	f.Seen = &Seen{Event: r.count, Start: start.Offset, End: end.Offset, Text: value}
	r.doubt(&f, r.slip)
	r.fail(f)
}

// failDevice records that the device can't do what it is asked for.
func (r *runner) failDevice(d *script.Device, err error) {
	f := r.failure(Error, d.Pos, err.Error())
	f.Classic = err.Error()
	var unsupported *UnsupportedError
	if asUnsupported(err, &unsupported) {
		f.Verdict = Unsupported
	}
	r.fail(f)
}

// lost says of packets that were lost between the stack and us, and that the script
// didn't ask to be lost, how many and where; "" if there are none.
//
// No filter is attached to the device, so that what it drops finds no room in its
// queue (tun_net_xmit). Where a script shortens that and never stalls the reader, it is
// the script's wish, as for packetdrill; where it does stall it, only meanwhile.
func (r *runner) lost(c LinkCounters) string {
	queue, why := c.TxDropped, ""
	switch {
	case r.stalls && queue >= r.asked:
		queue -= r.asked
		why = " while its reader wasn't stalled"
	case r.drops || r.stalls:
		queue = 0
	}
	switch ring := c.CaptureDropped; {
	case queue > 0 && ring > 0:
		return fmt.Sprintf("%d in the device's queue%s, %d in the capture ring", queue, why, ring)
	case queue > 0:
		return fmt.Sprintf("%d in the device's queue%s", queue, why)
	case ring > 0:
		return fmt.Sprintf("%d in the capture ring", ring)
	}
	return ""
}
