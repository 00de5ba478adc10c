package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// The sockets of slirp4netns, in the worker's own /tmp.
const (
	bessSocket = "/tmp/proxy-frames"
	apiSocket  = "/tmp/proxy-api"
)

// startSlirp starts slirp4netns, connects to it as a guest without a tap device does, and
// has it forward a port.
func startSlirp(path string, n *engine.NetConfig, port int, router netip.Addr) (*program, error) {
	args := []string{"--target-type=bess", "--api-socket=" + apiSocket}
	if n.RemoteIP.Is6() {
		args = append(args, "--enable-ipv6")
	} else {
		args = append(args, "--cidr="+netip.PrefixFrom(n.RemoteIP, guestPrefix).Masked().String())
	}
	if n.MTU != 0 {
		args = append(args, "--mtu="+strconv.Itoa(n.MTU))
	}
	p, err := start(path, append(args, bessSocket))
	if err != nil {
		return nil, err
	}
	if p.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	bigBuffers(p.socket)
	if err := p.retry(func() error { return unix.Connect(p.socket, &unix.SockaddrUnix{Name: bessSocket}) }); err != nil {
		return nil, err
	}
	if n.RemoteIP.Is6() {
		return p, nil // it forwards no ports of IPv6
	}
	return p, p.retry(func() error { return forward(n.RemoteIP, port) })
}

// patience is how long a program may take to get ready.
const patience = 10 * time.Second

// retry tries something until the program is ready for it.
func (p *program) retry(try func() error) error {
	for began := time.Now(); ; time.Sleep(200 * time.Microsecond) {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case gone := <-p.gone:
			p.gone <- gone
			return p.died()
		default:
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%s: %w", p.cmd.Path, err)
		}
	}
}

// forward asks slirp4netns to listen for the guest.
func forward(addr netip.Addr, port int) error {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: apiSocket, Net: "unix"})
	if err != nil {
		return err
	}
	defer c.Close()
	err = json.NewEncoder(c).Encode(map[string]any{
		"execute": "add_hostfwd",
		"arguments": map[string]any{
			"proto": "tcp", "host_addr": addr.String(), "host_port": port, "guest_addr": addr.String(), "guest_port": port,
		},
	})
	if err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	var answer struct {
		Error *struct{ Desc string }
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return fmt.Errorf("add_hostfwd: %w: %s", err, b)
	}
	if answer.Error != nil {
		return fmt.Errorf("add_hostfwd: %s", answer.Error.Desc)
	}
	return nil
}
