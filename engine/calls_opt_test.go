package engine

import "testing"

// option returns a value from getsockopt.
func option(value string) func(*Call) {
	return func(c *Call) {
		copy(c.Args[3].Buf, value)
		le.PutUint32(c.Args[4].Buf, uint32(len(value)))
	}
}

func TestSetsockopt(t *testing.T) {
	const gre = "{flags [checksum present, key present], sum 0x1, off 2, key = 0x3, seq 4}"
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", call: "setsockopt(70, 1, 2, *01000000, 4)"},
		{line: "setsockopt(3, SOL_IP, IP_TOS, [4], 1) = 0", call: "setsockopt(70, 0, 1, *04, 1)"},
		{line: "setsockopt(3, SOL_TCP, TCP_NOTSENT_LOWAT, [0xffffffff], 4) = 0", call: "setsockopt(70, 6, 25, *ffffffff, 4)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID], ...) = 0",
			call: "setsockopt(70, 1, 37, *90000000, 4)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_MAX_PACING_RATE, [10000000000], 8) = 0", call: "setsockopt(70, 1, 47, *00e40b5402000000, 8)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0", call: "setsockopt(70, 1, 13, *0100000005000000, 8)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, [1, 500000], 16) = 0", call: "setsockopt(70, 1, 20, *010000000000000020a1070000000000, 16)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_SNDTIMEO, {1, 5}, ...) = 0", call: "setsockopt(70, 1, 21, *01000000000000000500000000000000, 16)"},
		{line: `setsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0`, call: "setsockopt(70, 6, 13, *72656e6f, 4)"},
		{line: `setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "", 3) = -1`, call: "setsockopt(70, 6, 33, *000000, 3)", ret: -1, errno: 22},
		{line: `setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "\xf7\x63" "\xbf", 3) = 0`, call: "setsockopt(70, 6, 33, *f763bf, 3)"},
		{line: "setsockopt(3, SOL_SOCKET, SO_MARK, NULL, 4) = -1 EFAULT (x)", call: "setsockopt(70, 1, 36, 0, 4)", ret: -1, errno: 14},
		{line: "setsockopt(3, SOL_SOCKET, SO_MARK, [1], -1) = -1 EINVAL (x)", call: "setsockopt(70, 1, 36, *01000000, -1)", ret: -1, errno: 22},
		{line: `setsockopt(3, SOL_IPV6, IPV6_FLOWLABEL_MGR, inet6_addr("2001:db8::1"), 16) = 0`,
			call: "setsockopt(70, 41, 32, *20010db8(11)01, 16)"},
		{line: `setsockopt(3, SOL_IP, IP_MULTICAST_IF, [inet_addr("1.2.3.4")], 4) = 0`, call: "setsockopt(70, 0, 32, *01020304, 4)"},
		{line: "setsockopt(3, SOL_UDP, 200, " + gre + ", 16) = 0", call: "setsockopt(70, 17, 200, *a0000000000100020000000300000004, 16)"},
		{line: "setsockopt(3, SOL_UDP, 200, {(label 16, tc 1, [S], ttl 64)}, 4) = 0", call: "setsockopt(70, 17, 200, *00010340, 4)"},
		{line: `setsockopt(3, SOL_TCP, TCP_MD5SIG, [..., "key"], ...) = 0`,
			call: "setsockopt(70, 6, 14, *02001f91c0000201(122)0300000000006b6579(77), 216)"},
	})
}

func TestGetsockopt(t *testing.T) {
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", call: "getsockopt(70, 1, 4, *00000000, *04000000)"},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0", effect: option("\x68\x00\x00\x00")},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0", effect: option("\x6f\x00\x00\x00"), diffs: []string{
			"option value: want [ECONNRESET (Connection reset by peer)], got [ECONNREFUSED (Connection refused)]"}},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", effect: option("\x6f\x00\x00\x00"), diffs: []string{
			"option value: want [0], got [ECONNREFUSED (Connection refused)]"}},
		{line: "getsockopt(3, SOL_TCP, TCP_MAXSEG, [1100], [4]) = 0", effect: option("\x4c\x04"), diffs: []string{
			"option length: want [4], got [2]"}},
		{line: "getsockopt(3, SOL_TCP, TCP_MAXSEG, [-1], [4]) = 0", effect: option("\x4c\x04\x00\x00"), diffs: []string{
			"option value: want [-1], got [1100]"}},
		{line: "getsockopt(3, SOL_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DONT], [4]) = 0", effect: option("\x02\x00\x00\x00"), diffs: []string{
			"option value: want [IP_PMTUDISC_DONT], got [2]"}},
		{line: "getsockopt(3, SOL_IP, IP_TOS, [0x10], [1]) = 0", call: "getsockopt(70, 0, 1, *00, *01000000)",
			effect: option("\x12"), diffs: []string{"option value: want [0x10], got [0x12]"}},
		{line: "getsockopt(3, SOL_SOCKET, SO_RCVTIMEO, [1, 500000], [16]) = 0",
			effect: option("\x01\x00\x00\x00\x00\x00\x00\x00\x20\xa1\x07\x00\x00\x00\x00\x00")},
		{line: "getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 0", effect: option("\x00\x00\x00\x00\x05\x00\x00\x00"),
			diffs: []string{"option value: want {onoff=1, linger=5}, got {onoff=0, linger=5}"}},
		{line: `getsockopt(3, SOL_TCP, TCP_CONGESTION, "cubic", [5]) = 0`, effect: option("cubic")},
		{line: `getsockopt(3, SOL_TCP, TCP_CONGESTION, "cubic"..., [16]) = 0`, effect: option("cubic\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
		{line: `getsockopt(3, SOL_TCP, TCP_CONGESTION, "reno"..., ...) = 0`, effect: option("cubic\x00"),
			diffs: []string{`option value: want "reno"..., got "cubic\x00"`}},
		{line: `getsockopt(3, SOL_IPV6, 99, inet6_addr("::1"), [16]) = 0`, diffs: []string{"option value: want ::1, got ::"}},
		{line: "getsockopt(3, SOL_TCP, TCP_INFO, ..., ...) = 0", call: "getsockopt(70, 6, 11, *(1024), *00040000)"},
		{line: "getsockopt(3, SOL_TCP, TCP_INFO, ..., [104]) = 0", call: "getsockopt(70, 6, 11, *(104), *68000000)"},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, NULL, [4]) = -1 EFAULT (x)", call: "getsockopt(70, 1, 4, 0, *04000000)", ret: -1, errno: 14},
		// The memory is compared even if the call fails as expected, as
		// packetdrill has it.
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [7], [4]) = -1 ENOPROTOOPT (x)", ret: -1, errno: 92,
			diffs: []string{"option value: want [E2BIG (Argument list too long)], got [0]"}},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [7], [4]) = 0", ret: -1, errno: 92,
			diffs: []string{"result: want 0, got -1 ENOPROTOOPT (Protocol not available)"}},
	})
}
