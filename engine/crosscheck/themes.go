package crosscheck

import "time"

// A theme is what a script is mostly about.
type theme struct {
	name        string
	smallWindow bool
	gaps        float64 // percent of the other end's segments that are lost, or late
	fills       bool    // small receive buffers, filled and read
	actions     []weighted[action]
	pauses      []weighted[time.Duration]
}

// Pauses between what happens.
var (
	brisk = []weighted[time.Duration]{{10, grain}, {15, ms(1)}, {15, ms(5)}, {20, ms(20)}, {15, ms(40)}, {10, ms(100)}, {10, ms(250)}, {5, ms(1000)}}
	calm  = []weighted[time.Duration]{{5, grain}, {10, ms(5)}, {15, ms(20)}, {20, ms(50)}, {15, ms(210)}, {15, ms(400)}, {15, ms(1000)}, {5, ms(3000)}}
	slow  = []weighted[time.Duration]{{10, ms(10)}, {15, ms(100)}, {15, ms(250)}, {30, ms(900)}, {20, ms(2000)}, {10, ms(5000)}}
)

var themes = []weighted[*theme]{
	{22, &theme{name: "loss", pauses: calm, actions: []weighted[action]{
		{20, bulk}, {10, record}, {12, dropFew}, {8, outage}, {6, spike}, {6, mute}, {4, small}, {2, peerSmall}, {1, nodelay}, {1, knob}, {1, odd}}}},
	{13, &theme{name: "request", pauses: calm, actions: []weighted[action]{
		{30, request}, {6, record}, {4, dropFew}, {2, quickack}, {4, outage}, {3, readSome}, {1, knob}, {1, odd}, {1, peerFin}}}},
	{11, &theme{name: "nagle", pauses: brisk, actions: []weighted[action]{
		{20, small}, {15, burst}, {8, record}, {3, nodelay}, {4, dropFew}, {3, outage}, {3, eor}, {2, vector}, {1, cork}, {1, odd}}}},
	{10, &theme{name: "cork", pauses: calm, actions: []weighted[action]{
		{20, corked}, {12, moreThenLast}, {6, more}, {5, small}, {3, record}, {2, cork}, {2, nodelay}, {3, dropFew}, {2, outage}}}},
	{12, &theme{name: "window", pauses: calm, smallWindow: true, actions: []weighted[action]{
		{20, bulk}, {10, record}, {8, shut}, {3, resize}, {4, dropFew}, {2, outage}, {3, small}, {2, peerSmall}, {1, knob}, {1, odd}}}},
	{8, &theme{name: "fill", pauses: brisk, fills: true, actions: []weighted[action]{
		{20, fill}, {8, peerBulk}, {8, peerSmall}, {5, readAll}, {3, readSome}, {2, quickack}, {4, small}, {2, record}, {1, knob}, {1, odd}, {1, peerFin}, {2, outage}}}},
	{11, &theme{name: "receive", pauses: brisk, gaps: 6, actions: []weighted[action]{
		{20, peerBulk}, {15, peerSmall}, {12, readSome}, {3, quickack}, {3, small}, {2, knob}, {2, odd}, {1, peerFin}, {2, outage}}}},
	{9, &theme{name: "close", pauses: calm, actions: []weighted[action]{
		{10, record}, {6, bulk}, {8, shutdownWrite}, {6, closeIt}, {4, peerFin}, {3, peerSmall}, {3, readSome}, {2, dropFew}, {3, outage}, {3, abort}, {3, odd}, {2, ackAgain}}}},
	{7, &theme{name: "odd", pauses: calm, actions: []weighted[action]{
		{20, odd}, {8, record}, {4, bulk}, {4, peerSmall}, {3, readSome}, {2, dropFew}, {3, outage}, {2, urgent}, {2, knob}, {1, shutdownWrite}}}},
	{6, &theme{name: "idle", pauses: slow, actions: []weighted[action]{
		{8, keepalive}, {10, record}, {8, bulk}, {3, outage}, {3, mute}, {4, request}, {2, knob}, {1, peerFin}}}},
}

// halfClosed is what happens after close or shutdown.
var halfClosed = []weighted[action]{
	{4, peerSmall}, {2, peerBulk}, {4, readSome}, {4, peerFin}, {3, ackAgain}, {1, knob}, {1, small}, {1, closeIt},
}

func init() {
	halfClosed = append(halfClosed, weighted[action]{3, odd})
}
