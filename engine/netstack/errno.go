package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip"

	"tcpdrill/engine/abi"
)

// errnoOf is Linux's number of one of netstack's errors, by what the error means. One
// that says something Linux has no error for is EINVAL.
func errnoOf(err tcpip.Error) abi.Errno {
	switch err.(type) {
	case nil, *tcpip.ErrClosedForReceive: // the end of a stream is none
		return 0
	case *tcpip.ErrWouldBlock, *tcpip.ErrNoPortAvailable:
		return abi.EAGAIN
	case *tcpip.ErrConnectStarted:
		return abi.EINPROGRESS
	case *tcpip.ErrAlreadyConnecting:
		return abi.EALREADY
	case *tcpip.ErrAlreadyConnected:
		return abi.EISCONN
	case *tcpip.ErrNotConnected:
		return abi.ENOTCONN
	case *tcpip.ErrConnectionRefused:
		return abi.ECONNREFUSED
	case *tcpip.ErrConnectionReset:
		return abi.ECONNRESET
	case *tcpip.ErrConnectionAborted:
		return abi.ECONNABORTED
	case *tcpip.ErrTimeout:
		return abi.ETIMEDOUT
	case *tcpip.ErrClosedForSend, *tcpip.ErrAborted:
		return abi.EPIPE
	case *tcpip.ErrPortInUse:
		return abi.EADDRINUSE
	case *tcpip.ErrBadLocalAddress:
		return abi.EADDRNOTAVAIL
	case *tcpip.ErrAddressFamilyNotSupported:
		return abi.EAFNOSUPPORT
	case *tcpip.ErrNetworkUnreachable:
		return abi.ENETUNREACH
	case *tcpip.ErrHostUnreachable:
		return abi.EHOSTUNREACH
	case *tcpip.ErrHostDown:
		return abi.EHOSTDOWN
	case *tcpip.ErrMessageTooLong:
		return abi.EMSGSIZE
	case *tcpip.ErrNoBufferSpace:
		return abi.ENOBUFS
	case *tcpip.ErrDestinationRequired:
		return abi.EDESTADDRREQ
	case *tcpip.ErrNotSupported:
		return abi.EOPNOTSUPP
	case *tcpip.ErrUnknownProtocolOption:
		return abi.ENOPROTOOPT
	case *tcpip.ErrNoSuchFile:
		return abi.ENOENT
	case *tcpip.ErrBroadcastDisabled:
		return abi.EACCES
	case *tcpip.ErrNotPermitted:
		return abi.EPERM
	case *tcpip.ErrBadBuffer:
		return abi.EFAULT
	case *tcpip.ErrQueueSizeNotSupported:
		return abi.ENOTTY
	case *tcpip.ErrDuplicateAddress, *tcpip.ErrDuplicateNICID:
		return abi.EEXIST
	case *tcpip.ErrUnknownDevice, *tcpip.ErrUnknownNICID:
		return abi.ENODEV
	}
	return abi.EINVAL
}
