package tun

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inNamespace runs f on a thread in a network namespace of its own, which
// dies with the thread.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	err := Available()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with us
		if err == nil {
			err = unix.Unshare(unix.CLONE_NEWNET)
		}
		if err == nil {
			f()
		}
	}()
	<-done
	switch {
	case err != nil && os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" && os.Geteuid() == 0:
		t.Fatalf("the kernel can be drilled here, but: %v", err)
	case err != nil:
		t.Skipf("these tests need root: %v", err)
	}
}

var testLink = LinkConfig{
	Addr:       netip.MustParsePrefix("192.168.0.1/16"),
	Route:      netip.MustParsePrefix("192.0.2.0/24"),
	Via:        netip.MustParseAddr("192.168.0.2"),
	MTU:        1400,
	Speed:      10000,
	TxQueueLen: DefaultTxQueueLen,
}

func open(t *testing.T, c Config, link LinkConfig) (*Device, *Capture) {
	t.Helper()
	d, err := Open(c)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	if err := d.Quiet(); err != nil {
		t.Error(err)
	}
	capture, err := NewCapture(c.VnetHdr)
	if err == nil {
		err = capture.Bind(d)
	}
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	if err := d.Up(link); err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	return d, capture
}

func TestSendAndCapture(t *testing.T) {
	tests := []struct {
		name string
		vnet bool
	}{
		{"with header", true},
		{"without header", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inNamespace(t, func() {
				d, capture := open(t, Config{Name: "tun0", VnetHdr: tt.vnet}, testLink)
				defer d.Close()
				defer capture.Close()
				if d.Name() != "tun0" {
					t.Errorf("name %q", d.Name())
				}
				if speed := ethtoolSpeedOf(t, d); speed != testLink.Speed {
					t.Errorf("speed %d", speed)
				}
				fd := udp(t)
				defer unix.Close(fd)
				to := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 0, 2, 1}}
				// Three in frames of one kind each way round.
				sizes := []int{10, 1372, 20}
				before := time.Now().UnixNano()
				for _, n := range sizes {
					if err := unix.Sendto(fd, bytes.Repeat([]byte{'x'}, n), 0, to); err != nil {
						t.Error(err)
					}
				}
				after := time.Now().UnixNano()
				for _, n := range sizes {
					p, ok := capture.Next()
					if !ok {
						t.Errorf("size %d: not captured", n)
						return
					}
					if len(p.Data) != 28+n || p.Data[0] != 0x45 || p.Data[len(p.Data)-1] != 'x' {
						t.Errorf("size %d: got %d bytes, %x", n, len(p.Data), p.Data)
					}
					if p.Sent < before || p.Sent > after {
						t.Errorf("size %d: sent at %d, want %d to %d", n, p.Sent, before, after)
					}
					if needs := p.Header.Flags&NeedsCsum != 0; needs != tt.vnet {
						t.Errorf("size %d: needs a checksum: %v", n, needs)
					}
				}
				if _, ok := capture.Next(); ok {
					t.Error("one more packet")
				}
				if n, err := d.Drain(); n != len(sizes) || err != nil {
					t.Errorf("drained %d, %v", n, err)
				}
				c, err := d.Counters()
				if err != nil || c.TxPackets != 3 || c.TxDropped != 0 {
					t.Errorf("counters %+v, %v", c, err)
				}
			})
		})
	}
}

// ethtoolSpeedOf asks by the other ioctl that tells a speed.
// udp opens a socket in the thread's namespace.
func udp(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	return fd
}

// The order is that of sending, also between packets of both rings.
func TestOrder(t *testing.T) {
	inNamespace(t, func() {
		link := testLink
		link.MTU = 65000
		d, capture := open(t, Config{Name: "tun0", VnetHdr: true}, link)
		defer d.Close()
		defer capture.Close()
		fd := udp(t)
		defer unix.Close(fd)
		sizes := []int{smallMax + 1, 10, smallMax - 28, smallMax - 27, 60000, 20, 60000, 60000, 10}
		for i, n := range sizes {
			payload := bytes.Repeat([]byte{byte(i)}, n)
			if err := unix.Sendto(fd, payload, 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 0, 2, 1}}); err != nil {
				t.Error(err)
			}
		}
		for i, n := range sizes {
			p, ok := capture.Next()
			if !ok || len(p.Data) != 28+n || p.Data[28] != byte(i) || p.Data[27+n] != byte(i) {
				t.Errorf("packet %d: got %d bytes, want %d", i, len(p.Data), 28+n)
			}
		}
		if p, ok := capture.Next(); ok {
			t.Errorf("one more packet, of %d bytes", len(p.Data))
		}
	})
}

func ethtoolSpeedOf(t *testing.T, d *Device) int {
	fd := udp(t)
	defer unix.Close(fd)
	// struct ethtool_link_settings; asked with no room for link modes, the
	// kernel says how much it wants, as a negative number.
	var link [512]byte
	req := struct {
		name [unix.IFNAMSIZ]byte
		data *[512]byte
		_    [16]byte
	}{data: &link}
	copy(req.name[:], d.Name())
	const words = 15 // offset of link_mode_masks_nwords
	for range 2 {
		binary.NativeEndian.PutUint32(link[:], unix.ETHTOOL_GLINKSETTINGS)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			t.Error(errno)
			return 0
		}
		if n := int8(link[words]); n < 0 {
			link[words] = byte(-n)
		}
	}
	return int(binary.NativeEndian.Uint32(link[4:]))
}

// The queue drops what doesn't fit, and says so.
func TestTxDropped(t *testing.T) {
	inNamespace(t, func() {
		link := testLink
		link.TxQueueLen = 2
		d, capture := open(t, Config{Name: "tun0", VnetHdr: true}, link)
		defer d.Close()
		defer capture.Close()
		fd := udp(t)
		defer unix.Close(fd)
		for range 5 {
			unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 0, 2, 1}})
		}
		c, err := d.Counters()
		if err != nil || c.TxDropped != 3 {
			t.Errorf("counters %+v, %v; want 3 dropped", c, err)
		}
		if n, err := d.Drain(); n != 2 || err != nil {
			t.Errorf("drained %d, %v", n, err)
		}
		// The ring's copies were made before.
		n := 0
		for _, ok := capture.Next(); ok; _, ok = capture.Next() {
			n++
		}
		if n != 5 {
			t.Errorf("captured %d packets", n)
		}
	})
}

func TestCaptureDropped(t *testing.T) {
	inNamespace(t, func() {
		d, capture := open(t, Config{Name: "tun0", VnetHdr: true}, testLink)
		defer d.Close()
		defer capture.Close()
		fd := udp(t)
		defer unix.Close(fd)
		const over = 7
		frames := smallBlocks * (smallBlock / smallFrame)
		for range frames + over {
			unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 0, 2, 1}})
		}
		for range 2 { // the second time nothing is added
			if n, err := capture.Dropped(); n != over || err != nil {
				t.Errorf("dropped %d, %v; want %d", n, err, over)
			}
		}
	})
}

func TestInject(t *testing.T) {
	// An ICMP echo request from 192.0.2.1, checksums right.
	ping := []byte{
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0xf8, 0x36, 192, 0, 2, 1, 192, 168, 0, 1,
		8, 0, 0xf7, 0xfd, 0, 1, 0, 1,
	}
	for _, vnet := range []bool{true, false} {
		inNamespace(t, func() {
			d, capture := open(t, Config{Name: "tun0", VnetHdr: vnet}, testLink)
			defer d.Close()
			defer capture.Close()
			if err := d.Inject(ping, Header{}); err != nil {
				t.Error(err)
			}
			p, ok := capture.Next()
			if !ok || len(p.Data) != 28 || p.Data[20] != 0 {
				t.Errorf("header %v: echo reply %v, %x", vnet, ok, p.Data)
			}
		})
	}
}

// Nothing is sent but what a script makes the stack send, over IPv6 too, and
// the address can be used at once.
func TestQuietIPv6(t *testing.T) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("no IPv6 here")
	}
	inNamespace(t, func() {
		link := LinkConfig{
			Addr:  netip.MustParsePrefix("fd3d:a0b:17d6::1/48"),
			Route: netip.MustParsePrefix("fd3d:fa7b:d17d::/48"),
			Via:   netip.MustParseAddr("fd3d:a0b:17d6:8888::1"),
		}
		d, capture := open(t, Config{Name: "tun0", VnetHdr: true}, link)
		defer d.Close()
		defer capture.Close()
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet6{Port: 8080, Addr: link.Addr.Addr().As16()}); err != nil {
			t.Errorf("bind: %v", err)
		}
		// Router solicitations come within a second (RFC 4861, 6.3.7).
		time.Sleep(1200 * time.Millisecond)
		if p, ok := capture.Next(); ok {
			t.Errorf("sent %x", p.Data)
		}
	})
}

func TestLinkErrors(t *testing.T) {
	inNamespace(t, func() {
		d, capture := open(t, Config{Name: "tun0", VnetHdr: true}, testLink)
		defer d.Close()
		defer capture.Close()
		if _, err := net.InterfaceByName("tun0"); err != nil {
			t.Error(err)
		}
		bad := testLink
		bad.MTU = 1
		if err := d.Up(bad); err == nil {
			t.Error("MTU 1 was accepted")
		}
		bad = testLink
		bad.Addr = netip.MustParsePrefix("192.168.7.7/32")
		bad.Via = netip.MustParseAddr("10.0.0.1")
		if err := d.Up(bad); err == nil {
			t.Error("an unreachable gateway was accepted")
		}
	})
}

func TestHeader(t *testing.T) {
	h := Header{Flags: NeedsCsum, GSOType: GSOTCPv4 | GSOECN, HdrLen: 52, GSOSize: 1448, CsumStart: 20, CsumOffset: 16}
	var b [HeaderLen]byte
	h.Put(&b)
	if got := parseHeader(b[:]); got != h {
		t.Errorf("got %+v, want %+v", got, h)
	}
}

func BenchmarkOpen(b *testing.B) {
	if err := Available(); err != nil {
		b.Skip(err)
	}
	runtime.LockOSThread() // never unlocked
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		b.Skip(err)
	}
	var opened, ring, up time.Duration
	for b.Loop() {
		t0 := time.Now()
		d, err := Open(Config{Name: "tun0", VnetHdr: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Quiet(); err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		c, err := NewCapture(true)
		if err == nil {
			err = c.Bind(d)
		}
		if err != nil {
			b.Fatal(err)
		}
		t2 := time.Now()
		if err := d.Up(testLink); err != nil {
			b.Fatal(err)
		}
		t3 := time.Now()
		opened, ring, up = opened+t1.Sub(t0), ring+t2.Sub(t1), up+t3.Sub(t2)
		c.Close()
		d.Close()
	}
	b.ReportMetric(float64(opened.Microseconds())/float64(b.N), "open-µs")
	b.ReportMetric(float64(ring.Microseconds())/float64(b.N), "ring-µs")
	b.ReportMetric(float64(up.Microseconds())/float64(b.N), "up-µs")
}

func TestParseCounters(t *testing.T) {
	const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
 tun00:       9       9    9    9    9     9          9         9        9       9    9    9    9     9       9          9
  tun0:12345678901       2    3    4    0     0          0         0        5       6    7    8    0     0       0          0
`
	want := Counters{RxBytes: 12345678901, RxPackets: 2, RxErrors: 3, RxDropped: 4, TxBytes: 5, TxPackets: 6, TxErrors: 7, TxDropped: 8}
	if c, err := parseCounters([]byte(text), "tun0"); c != want || err != nil {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	for _, bad := range []string{"", "tun0: 1 2 3\n", "  tun0: 1 2 3 4 5 6 7 8 9 10 11 x\n"} {
		if c, err := parseCounters([]byte(bad), "tun0"); err == nil {
			t.Errorf("%q: %+v", bad, c)
		}
	}
}
