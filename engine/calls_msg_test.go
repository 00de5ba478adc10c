package engine

import (
	"fmt"
	"testing"
	"time"
)

// received returns a message with flags and control messages, cut to the room
// that there is as the kernel's put_cmsg does.
func received(flags int32, control ...cmsg) func(*Call) {
	return func(c *Call) {
		m := c.Args[1].Msg
		n := copy(m.Control, encodeCmsgs(control))
		m.Control = m.Control[:n]
		m.Flags = flags
	}
}

// timestamps is an SCM_TIMESTAMPING message, t after the script's start.
func timestamps(t time.Duration) cmsg {
	p := make([]byte, timestampingLen)
	le.PutUint64(p, uint64((testWall+t)/time.Second))
	le.PutUint64(p[8:], uint64((testWall+t)%time.Second))
	return cmsg{level: solSocket, typ: scmTimestamping, data: p}
}

// recvErr is an IP_RECVERR message, with an offender's address behind it.
func recvErr(errno uint32, origin, typ, code byte, info, data uint32) cmsg {
	p := le.AppendUint32(nil, errno)
	p = append(p, origin, typ, code, 0)
	p = le.AppendUint32(p, info)
	p = le.AppendUint32(p, data)
	return cmsg{level: solIP, typ: ipRecverr, data: append(p, encodeSockaddr(testCalls(IPv4).connectAddr())...)}
}

// statistics is an SCM_TIMESTAMPING_OPT_STATS message.
func statistics(stats ...stat) cmsg {
	return cmsg{level: solSocket, typ: scmTimestampingStats, data: encodeStats(stats)}
}

// recvmsg is a call that receives 100 bytes.
func recvmsg(flags, control string) string {
	return "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=" + flags + ", msg_control=[" + control + "]}, 0) = 100"
}

func TestSendmsg(t *testing.T) {
	const name = "02001f91c00002010000000000000000"
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, MSG_ZEROCOPY) = 30", ret: 30,
			call: "sendmsg(70, {name " + name + " iov [10 20] control  flags 0}, 67108864)"},
		{line: `sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0,
			msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SO_MARK, cmsg_data=7},
			             {cmsg_level=SOL_UDP, cmsg_type=UDP_SEGMENT, cmsg_data=1000}]}, 0) = 10`, ret: 10,
			call: "sendmsg(70, {name " + name + " iov [10] control " +
				"14000000000000000100000024000000" + "0700000000000000" +
				"12000000000000001100000067000000" + "e803000000000000" + " flags 0}, 0)"},
		{line: "sendmmsg(3, [{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, {{msg_name(...)=..., msg_iov(1)=[{..., 20}], msg_flags=0}, 20}], 2, 0) = 2",
			ret:    2,
			call:   "sendmmsg(70, {name " + name + " iov [10] control  flags 0}+{name " + name + " iov [20] control  flags 0}, 2, 0)",
			effect: func(c *Call) { c.Args[1].Msgs[1].Len = 15 },
			diffs:  []string{"message 1 msg_len: want 20, got 15"}},
	})
}

func TestRecvmsg(t *testing.T) {
	inq := cmsg{level: 6, typ: 36, data: []byte{0xe8, 3, 0, 0}}
	const wantInq = "{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=1000}"
	const wantGRO = "{cmsg_level=SOL_UDP, cmsg_type=UDP_GRO, cmsg_data=1000}"
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: recvmsg("0", ""), ret: 100, call: "recvmsg(70, {name (128) iov [100] control  flags 0}, 0)"},
		{line: recvmsg("0", wantGRO), ret: 100, call: "recvmsg(70, {name (128) iov [100] control (24) flags 0}, 0)",
			effect: received(0, cmsg{level: 17, typ: 104, data: []byte{0xe8, 3, 0, 0}})},
		{line: recvmsg("0", wantGRO), ret: 100, effect: received(0, cmsg{level: 17, typ: 104, data: []byte{0xb4, 5, 0, 0}}),
			diffs: []string{"cmsg 0 cmsg_data: want 1000, got 1460"}},
		{line: recvmsg("0", wantGRO), ret: 100, effect: received(0),
			diffs: []string{"cmsg 0: want cmsg_level=SOL_UDP, cmsg_type=UDP_GRO, got no message"}},
		{line: recvmsg("MSG_TRUNC", ""), ret: 100, effect: received(0x80), diffs: []string{"msg_flags: want MSG_TRUNC, got MSG_EOR"}},
		{line: recvmsg("0", wantInq), ret: 100, call: "recvmsg(70, {name (128) iov [100] control (24) flags 0}, 0)",
			effect: received(0, inq)},
		{line: recvmsg("0", "{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=999}"), ret: 100, effect: received(0, inq),
			diffs: []string{"cmsg 0 cmsg_data: want 999, got 1000"}},
		{line: recvmsg("0", wantInq), ret: 100, effect: received(0),
			diffs: []string{"cmsg 0: want cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, got no message"}},
		{line: recvmsg("0", wantInq), ret: 100, effect: received(0, cmsg{level: solIP, typ: ipTOS, data: []byte{2}}),
			diffs: []string{"cmsg 0: want cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, got cmsg_level=SOL_IP, cmsg_type=IP_TOS"}},
		{line: recvmsg("0", ""), ret: 100, effect: received(msgCTrunc, inq),
			diffs: []string{"msg_flags: want 0, got MSG_CTRUNC (control messages came that don't fit in the 0 bytes of the script's)"}},
		{line: recvmsg("0", "{cmsg_level=SOL_IP, cmsg_type=IP_TOS, cmsg_data=2}, {cmsg_level=SOL_IP, cmsg_type=IP_TTL, cmsg_data=64}"), ret: 100,
			effect: received(0, cmsg{level: solIP, typ: ipTOS, data: []byte{3}}, cmsg{level: solIP, typ: 2, data: []byte{64, 0, 0, 0}}),
			diffs:  []string{"cmsg 0 cmsg_data: want 2, got 3"}},
		{line: recvmsg("0", ""), ret: -1, errno: 11,
			diffs: []string{"result: want 100, got -1 EAGAIN (Resource temporarily unavailable)"}},
		{line: recvmsg("0", "1"), err: "1: got a number, want a cmsg"},
		{line: recvmsg("0", "{cmsg_level=SOL_IP, cmsg_type=IP_TOS, cmsg_data=...}"), err: "...: got ..., want a number, a timestamp, a sock_extended_err, a list of attributes or a string"},
	})
}

func TestErrorQueue(t *testing.T) {
	const line = `recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=MSG_ERRQUEUE, msg_control=[
		{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=20000000}},
		{cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_TIMESTAMPING,
			ee_type=0, ee_code=0, ee_info=SCM_TSTAMP_ACK, ee_data=1999}}]}, MSG_ERRQUEUE) = 0`
	const errqueue = 0x2000
	at := func(t time.Duration) step {
		return step{line: line, effect: received(errqueue, timestamps(t), recvErr(42, 4, 0, 0, 2, 1999))}
	}
	late := at(27 * time.Millisecond)
	late.diffs = []string{"cmsg 0 cmsg_data: want {scm_sec=0, scm_nsec=20000000} ± 4ms, got {scm_sec=0, scm_nsec=27000000}"}
	early := at(-time.Second)
	early.diffs = []string{"cmsg 0 cmsg_data: want {scm_sec=0, scm_nsec=20000000} ± 4ms, got 1s before the script's start"}
	run(t, testCalls(IPv4), []step{
		openSocket,
		at(20 * time.Millisecond), at(24 * time.Millisecond), at(16 * time.Millisecond), late, early,
		{line: line, effect: received(errqueue, timestamps(20*time.Millisecond), recvErr(0, 5, 1, 1, 0, 2000)), diffs: []string{
			"cmsg 1 ee_errno: want ENOMSG, got 0",
			"cmsg 1 ee_origin: want SO_EE_ORIGIN_TIMESTAMPING, got SO_EE_ORIGIN_ZEROCOPY",
			"cmsg 1 ee_type: want 0, got 1",
			"cmsg 1 ee_code: want 0, got SO_EE_CODE_ZEROCOPY_COPIED",
			"cmsg 1 ee_info: want SCM_TSTAMP_ACK, got 0",
			"cmsg 1 ee_data: want 1999, got 2000",
		}},
		{line: line, effect: received(errqueue, recvErr(42, 4, 0, 0, 2, 1999)), diffs: []string{
			"cmsg 0: want cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, got cmsg_level=SOL_IP, cmsg_type=IP_RECVERR",
			"cmsg 1: want cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, got no message",
		}},
		// A time of 0 isn't compared.
		{line: `recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[
			{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=0}}]}, 0) = 0`,
			effect: received(0, timestamps(time.Hour))},
		{line: `recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[]}, MSG_ERRQUEUE) = -1 EAGAIN (x)`,
			ret: -1, errno: 11},
	})
}

// The room for an IPv6 error is that of its longer address.
func TestExtendedErrorLength(t *testing.T) {
	for level, room := range map[string]int{"SOL_IP, cmsg_type=IP_RECVERR": 48, "SOL_IPV6, cmsg_type=IPV6_RECVERR": 64} {
		run(t, testCalls(IPv4), []step{openSocket, {
			line: recvmsg("0", "{cmsg_level="+level+", cmsg_data={ee_errno=0, ee_origin=0, ee_type=0, ee_code=0, ee_info=0, ee_data=0}}"),
			ret:  -1, errno: 11, diffs: []string{"result: want 100, got -1 EAGAIN (Resource temporarily unavailable)"},
			call: fmt.Sprintf("recvmsg(70, {name (128) iov [100] control (%d) flags 0}, 0)", room),
		}})
	}
}

func TestTimestampStatistics(t *testing.T) {
	const line = `recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[
		{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data=[
			TCP_NLA_BUSY=20000, TCP_NLA_RWND_LIMITED=0, TCP_NLA_DATA_SEGS_OUT=3, TCP_NLA_SND_CWND=10,
			TCP_NLA_RECUR_RETRANS=0, TCP_NLA_SRTT=..., TCP_NLA_CA_STATE=...]}]}, 0) = 0`
	stats := func(busy, limited, segs, cwnd, recur uint64) []stat {
		return []stat{
			{typ: 1, size: 8, value: busy}, {typ: 2, size: 8, value: limited}, {typ: 4, size: 8, value: segs},
			{typ: 8, size: 4, value: cwnd}, {typ: 11, size: 1, value: recur},
			{typ: 22, size: 4, value: 1234}, {typ: 14, size: 1, value: 2},
		}
	}
	swapped := stats(20000, 0, 3, 10, 0)
	swapped[0], swapped[1] = swapped[1], swapped[0]
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: line, effect: received(0, statistics(stats(23999, 0, 3, 10, 0)...))},
		{line: line, effect: received(0, statistics(stats(24001, 1, 4, 11, 1)...)), diffs: []string{
			"cmsg 0 TCP_NLA_BUSY: want 20000, got 24001",
			"cmsg 0 TCP_NLA_RWND_LIMITED: want 0, got 1",
			"cmsg 0 TCP_NLA_DATA_SEGS_OUT: want 3, got 4",
			"cmsg 0 TCP_NLA_SND_CWND: want 10, got 11",
			"cmsg 0 TCP_NLA_RECUR_RETRANS: want 0, got 1",
		}},
		{line: line, effect: received(0, statistics(swapped...)), diffs: []string{
			"cmsg 0 attributes: want TCP_NLA_BUSY (8 bytes), TCP_NLA_RWND_LIMITED (8 bytes), TCP_NLA_DATA_SEGS_OUT (8 bytes), TCP_NLA_SND_CWND (4 bytes), TCP_NLA_RECUR_RETRANS (1 bytes), TCP_NLA_SRTT (4 bytes), TCP_NLA_CA_STATE (1 bytes), got TCP_NLA_RWND_LIMITED (8 bytes), TCP_NLA_BUSY (8 bytes), TCP_NLA_DATA_SEGS_OUT (8 bytes), TCP_NLA_SND_CWND (4 bytes), TCP_NLA_RECUR_RETRANS (1 bytes), TCP_NLA_SRTT (4 bytes), TCP_NLA_CA_STATE (1 bytes)",
		}},
		{line: line, effect: received(0, statistics(stats(20000, 0, 3, 10, 0)[1:]...)), diffs: []string{
			"cmsg 0 attributes: want 7, got 6, without TCP_NLA_BUSY",
		}},
		{line: recvmsg("0", "{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data=[TCP_NLA_CA_STATE=256]}"),
			err: "256: 256 does not fit in 8 bits"},
		{line: recvmsg("0", "{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data=[SO_TXTIME=1]}"),
			err: "SO_TXTIME: got attribute 61, want a TCP_NLA_…"},
	})
}

func TestRecvmmsg(t *testing.T) {
	const msg = "{msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}"
	run(t, testCalls(IPv4), []step{
		openUDP,
		{line: "recvmmsg(3, [{" + msg + ", 5}, {" + msg + ", 5}, " + msg + "], 3, 0, {1, 0}) = 2", ret: 2,
			effect: func(c *Call) {
				m := c.Args[1].Msgs
				m[0].Len, m[1].Len, m[1].Flags, m[2].Flags = 5, 6, 0x20, 0x20
			},
			diffs: []string{
				"message 1 msg_len: want 5, got 6",
				"message 1 msg_flags: want 0, got MSG_TRUNC",
			}},
		{line: "recvmmsg(3, [" + msg + "], 2, 0, NULL) = 1", err: "2: got a count of 2, want the 1 elements of the array"},
	})
}

func TestControlMessagesRoundTrip(t *testing.T) {
	list := []cmsg{
		{level: 1, typ: 2, data: []byte{1, 2, 3}},
		{level: 3, typ: 4, data: []byte{}},
		{level: 5, typ: 6, data: make([]byte, 16)},
	}
	p := encodeCmsgs(list)
	if got, want := len(p), 24+16+32; got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
	if got := decodeCmsgs(p); fmt.Sprint(got) != fmt.Sprint(list) {
		t.Errorf("got %v, want %v", got, list)
	}
	if got := decodeCmsgs(p[:41]); len(got) != 2 {
		t.Errorf("of a cut list: got %v, want the whole messages", got)
	}
}
