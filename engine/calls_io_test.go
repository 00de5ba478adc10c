package engine

import (
	"bytes"
	"testing"
)

// write copies text to the i-th argument's memory.
func write(i int, text string) func(*Call) {
	return func(c *Call) { copy(c.Args[i].Buf, text) }
}

func TestReadAndWrite(t *testing.T) {
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "read(3, ..., 20) = 5", ret: 5, call: "read(70, *(20), 20)"},
		{line: "read(3, NULL, 20) = -1 EFAULT (x)", ret: -1, errno: 14, call: "read(70, 0, 20)"},
		{line: "read(3, ..., 0) = 0", call: "read(70, *, 0)"},
		{line: "recv(3, ..., 20, MSG_PEEK) = 20", ret: 20, call: "recv(70, *(20), 20, 2)"},
		{line: "recvfrom(3, ..., 20, 0, ..., ...) = 20", ret: 20, call: "recvfrom(70, *(20), 20, 0, *(128), *80000000)"},
		{line: "readv(3, [{..., 10}, {..., 20}], 2) = 30", ret: 30, call: "readv(70, [10 20], 2)"},
		{line: "write(3, ..., 20) = 20", ret: 20, call: "write(70, *(20), 20)"},
		{line: "write(3, ..., 0) = 0", call: "write(70, *, 0)"},
		{line: "send(3, ..., 20, MSG_ZEROCOPY) = 20", ret: 20, call: "send(70, *(20), 20, 67108864)"},
		{line: "sendto(3, ..., 20, 0, ..., ...) = 20", ret: 20,
			call: "sendto(70, *(20), 20, 0, *02001f91c00002010000000000000000, 16)"},
		{line: "sendto(3, NULL, 1, 0, ..., ...) = -1", ret: -1, errno: 14,
			call: "sendto(70, 0, 1, 0, *02001f91c00002010000000000000000, 16)"},
		{line: "writev(3, [{..., 10}, {..., 0}], 2) = 10", ret: 10, call: "writev(70, [10 0], 2)"},
	})
}

func TestDataInStrings(t *testing.T) {
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: `write(3, "ab\x00\n", 6) = 6`, ret: 6, call: "write(70, *6162000a0000, 6)"},
		{line: `write(3, "a\"b" "c\\d", 3) = 3`, ret: 3, call: "write(70, *612262635c64, 3)"},
		{line: `read(3, "abc", 10) = 3`, ret: 3, effect: write(1, "abc")},
		{line: `read(3, "abc", 10) = 3`, ret: 3, effect: write(1, "ab\x01"),
			diffs: []string{`data: want "abc", got "ab\x01"`}},
		{line: `read(3, "ab"..., 10) = 3`, ret: 3, effect: write(1, "abc")},
		{line: `read(3, "ab"..., 10) = 3`, ret: 2, effect: write(1, "xy"),
			diffs: []string{"result: want 3, got 2", `data: want "ab"..., got "xy"`}},
		{line: `read(3, "abc", 10) = 3`, ret: -1, errno: 11,
			diffs: []string{"result: want 3, got -1 EAGAIN (Resource temporarily unavailable)"}},
	})
}

// A zero-copy send's memory stays what it is, whatever is sent after it.
func TestSentMemoryIsKept(t *testing.T) {
	s := testCalls(IPv4)
	run(t, s, []step{openSocket})
	var sent [][]byte
	for _, line := range []string{"write(3, ..., 100) = 100", "write(3, ..., 200000) = 200000", "write(3, ..., 300) = 300"} {
		p, err := s.prepare(parseCall(t, line))
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, p.call.Args[1].Buf)
	}
	for i, n := range []int{100, 200000, 300} {
		if len(sent[i]) != n || !bytes.Equal(sent[i], make([]byte, n)) {
			t.Errorf("send %d has %d bytes, want %d zeros", i, len(sent[i]), n)
		}
	}
	if len(s.keep) < 4 {
		t.Errorf("%d arguments are kept, want all", len(s.keep))
	}
}

func TestEchoRequests(t *testing.T) {
	v4 := step{line: "socket(..., SOCK_DGRAM, IPPROTO_ICMP) = 3", ret: 70}
	v6 := step{line: "socket(..., SOCK_DGRAM, IPPROTO_ICMPV6) = 3", ret: 70}
	run(t, testCalls(IPv4), []step{v4,
		{line: "sendto(3, ..., 10, 0, ..., ...) = 10", ret: 10,
			call: "sendto(70, *08(9), 10, 0, *02001f91c00002010000000000000000, 16)"},
		{line: "sendto(3, ..., 7, 0, ..., ...) = -1 EINVAL (x)", ret: -1, errno: 22,
			call: "sendto(70, *00000000000000, 7, 0, *02001f91c00002010000000000000000, 16)"},
		{line: `sendto(3, "\x08\x00abcdefgh", 10, 0, ..., ...) = 10`, ret: 10,
			call: "sendto(70, *08006162636465666768, 10, 0, *02001f91c00002010000000000000000, 16)"},
	})
	run(t, testCalls(IPv6), []step{v6,
		{line: "sendto(3, ..., 10, 0, ..., ...) = 10", ret: 10,
			call: "sendto(70, *80(9), 10, 0, *0a001f910000000020010db8(11)0100000000, 28)"},
	})
}

func TestFilesAndPipes(t *testing.T) {
	s := testCalls(IPv4)
	run(t, s, []step{
		openSocket,
		{line: `open("/tmp/x", O_RDONLY) = 5`, ret: 80, call: "open(*2f746d702f7800, 0)"},
		{line: `open("/tmp/y", O_RDWR|O_CREAT, 0x180) = -1 EACCES (x)`, ret: -1, errno: 13, call: "open(*2f746d702f7900, 66, 384)"},
		{line: "sendfile(3, 5, [7], 100) = 100", ret: 100, call: "sendfile(70, 80, &7, 100)"},
		{line: "sendfile(3, 5, NULL, 100) = 100", ret: 100, call: "sendfile(70, 80, 0, 100)"},
		{line: "pipe([6, 7]) = 0", call: "pipe(*0000000000000000)", effect: func(c *Call) {
			le.PutUint32(c.Args[0].Buf, 81)
			le.PutUint32(c.Args[0].Buf[4:], 82)
		}},
		{line: "splice(6, NULL, 7, [9], 99, SPLICE_F_MOVE) = 99", ret: 99, call: "splice(81, 0, 82, &9, 99, 1)"},
		{line: "pipe2([8, 9], O_NONBLOCK) = -1 EMFILE (x)", ret: -1, errno: 24, call: "pipe2(*0000000000000000, 2048)"},
		{line: "close(8) = 0", err: "8: there is no open fd 8"},
	})
	for script, kind := range map[int]fdKind{3: fdSocket, 5: fdFile, 6: fdPipe, 7: fdPipe} {
		if f := s.findFD(script); f == nil || f.kind != kind {
			t.Errorf("fd %d is %+v, want kind %d", script, f, kind)
		}
	}
}

func TestPoll(t *testing.T) {
	// revents sets the flags of the i-th pollfd.
	revents := func(flags ...uint16) func(*Call) {
		return func(c *Call) {
			for i, f := range flags {
				le.PutUint16(c.Args[0].Buf[8*i+6:], f)
			}
		}
	}
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 10) = 1", ret: 1,
			call: "poll(*4600000005000400, 1, 10)"},
		{line: "poll([{fd=3, events=POLLIN}, {fd=-1, events=POLLIN}], 2, 0) = 0",
			call: "poll(*4600000001000000ffffffff01000000, 2, 0)"},
		{line: "poll([{fd=3, events=POLLIN, revents=POLLIN}, {fd=3, events=POLLOUT, revents=0}], 2, 0) = 1", ret: 2,
			effect: revents(0x11, 4), diffs: []string{
				"result: want 1, got 2",
				"revents of fd 3: want POLLIN, got POLLIN|POLLHUP",
				"revents of fd 3: want 0, got POLLOUT",
			}},
		{line: "poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1", ret: 0, effect: revents(0), diffs: []string{
			"result: want 1, got 0",
			"revents of fd 3: want POLLIN, got 0",
		}},
		{line: "ppoll([{fd=3, events=POLLIN}], 1, {1, 5}, NULL) = 0",
			call: "ppoll(*4600000001000000, 1, *01000000000000000500000000000000, 0)"},
		{line: "ppoll([{fd=3, events=POLLIN}], 1, NULL, NULL) = 0", call: "ppoll(*4600000001000000, 1, 0, 0)"},
	})
}

func TestEpoll(t *testing.T) {
	// event returns the given events.
	event := func(events ...EpollEvent) func(*Call) {
		return func(c *Call) { copy(c.Args[1].Epoll, events) }
	}
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "epoll_create(1) = 5", ret: 80},
		{line: "epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN, fd=3}) = 0", call: "epoll_ctl(80, 1, 70, [1/46])"},
		{line: "epoll_ctl(5, EPOLL_CTL_MOD, 3, {events=EPOLLIN|EPOLLET, u32=7}) = 0", call: "epoll_ctl(80, 3, 70, [80000001/7])"},
		{line: "epoll_ctl(5, EPOLL_CTL_MOD, 3, {events=EPOLLIN, fd=5}) = 0", err: "5: got the event of another fd, want 3"},
		{line: "epoll_ctl(5, EPOLL_CTL_DEL, 3, NULL) = 0", call: "epoll_ctl(80, 2, 70, 0)"},
		{line: "epoll_wait(5, {events=EPOLLIN, fd=3}, 2, 0) = 1", ret: 1, call: "epoll_wait(80, [0/0 0/0], 2, 0)",
			effect: event(EpollEvent{1, 0xdead00000046})},
		{line: "epoll_wait(5, {events=EPOLLIN, fd=3}, 1, 0) = 1", ret: 1, effect: event(EpollEvent{0x11, 80}), diffs: []string{
			"epoll_event events: want EPOLLIN, got EPOLLIN|EPOLLHUP",
			"epoll_event fd: want 3, got 5",
		}},
		{line: "epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0"},
		{line: "epoll_wait(5, {events=EPOLLIN, u64=1}, 1, 0) = 0", diffs: []string{
			"epoll_event events: want EPOLLIN, got 0",
			"epoll_event u64: want 1, got 0",
		}},
		{line: "epoll_wait(5, [{events=EPOLLIN, fd=3}, {events=EPOLLOUT, fd=5}], 2, 0) = 2", ret: 2,
			effect: event(EpollEvent{1, 70}, EpollEvent{1, 80}),
			diffs:  []string{"epoll_event 1 events: want EPOLLOUT, got EPOLLIN"}},
		{line: "epoll_wait(5, {events=EPOLLIN, fd=3}, 1, 0) = 1", ret: 0, diffs: []string{
			"result: want 1, got 0",
			"epoll_event events: want EPOLLIN, got 0",
			"epoll_event fd: want 3, got 0, no fd of the script",
		}},
	})
}
