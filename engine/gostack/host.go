package gostack

import (
	"io/fs"

	"tcpdrill/engine"
)

var _ engine.Host = (*Stack)(nil)

// A refusal is an error that a command gets from the kernel.
type refusal struct {
	errno errno
	text  string // what rtnetlink says beside it
}

// refuse makes an error of an errno.
func refuse(e errno) error { return &refusal{errno: e} }

// refuseSaying makes one with rtnetlink's explanation.
func refuseSaying(e errno, text string) error { return &refusal{e, text} }

// errnoTexts are what strerror says, as far as commands meet it, in lower case.
var errnoTexts = map[errno]string{
	eperm:         "operation not permitted",
	enoent:        "no such file or directory",
	esrch:         "no such process",
	eacces:        "permission denied",
	eexist:        "file exists",
	enodev:        "no such device",
	einval:        "invalid argument",
	eopnotsupp:    "operation not supported",
	eaddrinuse:    "address already in use",
	enetdown:      "network is down",
	enetunreach:   "network is unreachable",
	ehostunreach:  "no route to host",
	eaddrnotavail: "cannot assign requested address",
}

// esrch is what deleting a route gives that isn't there.
const esrch errno = 3

func (r *refusal) Error() string {
	if r.text != "" {
		return errnoTexts[r.errno] + ": " + r.text
	}
	return errnoTexts[r.errno]
}

// Unwrap returns the error of package fs that it is, if it is one.
func (r *refusal) Unwrap() error {
	switch r.errno {
	case enoent:
		return fs.ErrNotExist
	case eexist:
		return fs.ErrExist
	case eperm, eacces:
		return fs.ErrPermission
	}
	return nil
}

// FlushTCPMetrics implements engine.Host.
func (s *Stack) FlushTCPMetrics() error {
	s.flushTCPMetrics()
	return nil
}
