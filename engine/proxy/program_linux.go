package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
)

// A program is a proxy's process and the socket that carries its guest's frames. It lives
// in the worker's process namespace, and ends with the worker.
type program struct {
	cmd    *exec.Cmd
	output *os.File      // what it wrote to its streams, in memory
	stat   *os.File      // its /proc/…/stat; nil where /proc shows other processes
	sched  *os.File      // its /proc/…/schedstat, if there is one
	queued time.Duration // how long it has waited for a processor, as it was last seen
	gone   chan error
	socket int
	stream bool // frames come one after the other, each after its length
	rest   []byte
	buffer []byte // for what is received
}

// maxFrame is longer than any frame: that of an IP packet of 65535 bytes.
const maxFrame = 1 << 17

// start starts the program with extra descriptors, from 3.
func start(path string, args []string, files ...*os.File) (*program, error) {
	out, err := unix.MemfdCreate("proxy", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	p := &program{output: os.NewFile(uintptr(out), "proxy's output"), gone: make(chan error, 1), buffer: make([]byte, maxFrame)}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.ExtraFiles = p.output, p.output, files
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	// A container may refuse the worker a /proc of its own.
	if self, err := os.Readlink("/proc/self"); err == nil && self == strconv.Itoa(os.Getpid()) {
		if p.stat, err = os.Open(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid)); err != nil {
			return nil, err
		}
		p.sched, _ = os.Open(fmt.Sprintf("/proc/%d/schedstat", p.cmd.Process.Pid))
	}
	go func() { p.gone <- p.cmd.Wait() }()
	return p, nil
}

// died says how the program ended, with what it wrote last.
func (p *program) died() error {
	err := <-p.gone
	p.gone <- err
	what := "it ended"
	if err != nil {
		what = err.Error()
	}
	const most = 2 << 10
	text := make([]byte, most)
	n, _ := p.output.ReadAt(text, 0)
	text = bytes.TrimSpace(text[:n])
	if len(text) == 0 {
		return &engine.DiedError{How: fmt.Sprintf("%s: %s", p.cmd.Path, what)}
	}
	return &engine.DiedError{How: fmt.Sprintf("%s: %s\n%s", p.cmd.Path, what, text)}
}

// send gives the program a frame.
func (p *program) send(frame []byte) error {
	b := frame
	if p.stream {
		b = append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
	}
	for len(b) > 0 {
		n, err := unix.SendmsgN(p.socket, b, nil, nil, unix.MSG_NOSIGNAL)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EPIPE || err == unix.ECONNRESET:
			return p.died()
		case err != nil:
			return os.NewSyscallError("send", err)
		}
		b = b[n:]
	}
	return nil
}

// receive returns the frames that the program has sent and that weren't received yet.
func (p *program) receive() (frames [][]byte, err error) {
	for {
		n, _, err := unix.Recvfrom(p.socket, p.buffer, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return frames, nil
		case err == unix.ECONNRESET || err == nil && n == 0:
			if len(frames) > 0 {
				return frames, nil // the next call says it
			}
			return nil, p.died()
		case err != nil:
			return frames, os.NewSyscallError("recv", err)
		case !p.stream:
			frames = append(frames, bytes.Clone(p.buffer[:n]))
			continue
		}
		p.rest = append(p.rest, p.buffer[:n]...)
		for len(p.rest) >= 4 {
			length := int(binary.BigEndian.Uint32(p.rest))
			if length > maxFrame {
				return frames, fmt.Errorf("%s sent a frame of %d bytes", p.cmd.Path, length)
			}
			if len(p.rest) < 4+length {
				break
			}
			frames = append(frames, bytes.Clone(p.rest[4:4+length]))
			p.rest = p.rest[4+length:]
		}
	}
}

// busy reports whether the program has yet to receive frames that it was sent, or is
// doing something, as far as that is known. That it has died is known by its socket.
func (p *program) busy() bool {
	if n, err := unix.IoctlGetInt(p.socket, unix.SIOCOUTQ); err == nil && n > 0 {
		return true
	}
	if p.stat == nil {
		return false
	}
	asleep, err := kernel.Asleep(p.stat)
	return err == nil && !asleep
}

// waited returns for how long the program had to wait for a processor since this was last
// asked, as far as that is known: what it sends is as late.
func (p *program) waited() time.Duration {
	if p.sched == nil {
		return 0
	}
	var text [128]byte
	n, _ := unix.Pread(int(p.sched.Fd()), text[:], 0)
	fields := strings.Fields(string(text[:max(n, 0)]))
	if len(fields) < 2 {
		return 0
	}
	ns, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	before := p.queued
	p.queued = time.Duration(ns)
	return p.queued - before
}

// startPasst starts passt with its socket as a descriptor.
func startPasst(path string, n *engine.NetConfig, port int, router netip.Addr) (*program, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "passt's socket")
	defer theirs.Close()
	bigBuffers(pair[:]...)
	args := []string{
		"-f", "-q", "-F", "3",
		"-i", device, "-a", n.RemoteIP.String(), "-g", router.String(),
		"-t", n.RemoteIP.String() + "/" + strconv.Itoa(port),
		"--no-dhcp", "--no-dhcpv6", "--no-ra",
	}
	if n.RemoteIP.Is4() {
		args = append(args, "-4", "-n", strconv.Itoa(guestPrefix))
	} else {
		args = append(args, "-6")
	}
	if n.MTU != 0 {
		args = append(args, "-m", strconv.Itoa(n.MTU))
	}
	p, err := start(path, args, theirs)
	if err != nil {
		return nil, err
	}
	p.socket, p.stream = pair[0], true
	return p, nil
}

// bigBuffers keeps bursts from being dropped, as far as is permitted.
func bigBuffers(fds ...int) {
	const size = 8 << 20
	for _, fd := range fds {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, size)
		}
	}
}

var errNoAnswer = errors.New("it doesn't answer")
