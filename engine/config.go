package engine

import (
	"fmt"
	"net/netip"
	"time"
)

// An IPVersion is one of the three ways a script runs over IP.
type IPVersion string

// The variants of packetdrill's --ip_version.
const (
	IPv4         IPVersion = "ipv4"
	IPv4MappedV6 IPVersion = "ipv4-mapped-ipv6" // IPv6 sockets, IPv4 packets
	IPv6         IPVersion = "ipv6"
)

// Config is what packetdrill's options say, from the command line and the
// script's own option lines.
type Config struct {
	IPVersion IPVersion
	Net       NetConfig

	BindPort    int // local port of bind(); 8080
	ConnectPort int // remote port of connect(); 8080

	MSS              int // gso_size of injected TCP segments; 0: none
	TolerancePercent float64
	Tolerance        time.Duration
	TSECRScaled      bool
	TSTick           time.Duration // 0: TS val unchecked
	StrictSegments   bool
	WireSegments     bool // check each super-segment as the wire would carry it
	NonFatalPacket   bool
	NonFatalSyscall  bool
	AnyIP            bool
	InitScripts      []string
	CodeCommand      string // python3
	DryRun           bool
	Verbose          bool
	KeepGoing        bool // play the script to its end, whatever doesn't match
	NoExec           bool
	KeepPackets      bool          // in the outcome
	Timeout          time.Duration // of the script's own time; 0: none
}

// NetConfig is how a target's network must be set up for a run.
type NetConfig struct {
	LocalIP      netip.Addr
	LocalPrefix  int // length
	RemoteIP     netip.Addr
	RemotePrefix netip.Prefix // routed through the device
	GatewayIP    netip.Addr
	MTU          int  // 0: the device's default
	Speed        int  // Mbit/s; 0: the device's default
	AnyIP        bool // no address on the device, route without gateway
	Capture      CaptureMode
	// USO: the device takes several datagrams as one packet, as it takes super-segments
	// of TCP. packetdrill's doesn't.
	USO bool
}

// Check says what no target can set up: hosts with one address, or a capture that
// there isn't.
func (n NetConfig) Check() error {
	if n.RemoteIP.IsValid() && n.RemoteIP == n.LocalIP {
		return fmt.Errorf("remote address %s is local", n.RemoteIP)
	}
	switch n.Capture {
	case CaptureCopy, CapturePacket, "":
		return nil
	}
	return fmt.Errorf("unknown capture %q", n.Capture)
}

// A CaptureMode is how long captured packets stay referenced in the stack.
type CaptureMode string

// The two captures: Copy lets each clone go at once; Packet keeps clones
// pinned in the device's queue to the end of the run, as an ordinary packet
// socket does until it is read.
const (
	CaptureCopy   CaptureMode = "copy"
	CapturePacket CaptureMode = "packet"
)
