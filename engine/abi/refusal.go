package abi

import "io/fs"

// A refusal is an error that a command gets from the kernel.
type refusal struct {
	errno Errno
	text  string // what rtnetlink says beside it
}

// Refuse makes an error of an errno, for engine.Host.
func Refuse(e Errno) error { return &refusal{errno: e} }

// RefuseSaying makes one with rtnetlink's explanation.
func RefuseSaying(e Errno, text string) error { return &refusal{e, text} }

// errnoTexts are what strerror says, as far as commands meet it, in lower case.
var errnoTexts = map[Errno]string{
	EPERM:         "operation not permitted",
	ENOENT:        "no such file or directory",
	ESRCH:         "no such process",
	EACCES:        "permission denied",
	EEXIST:        "file exists",
	ENODEV:        "no such device",
	EINVAL:        "invalid argument",
	EOPNOTSUPP:    "operation not supported",
	EADDRINUSE:    "address already in use",
	ENETDOWN:      "network is down",
	ENETUNREACH:   "network is unreachable",
	EHOSTUNREACH:  "no route to host",
	EADDRNOTAVAIL: "cannot assign requested address",
}

func (r *refusal) Error() string {
	if r.text != "" {
		return errnoTexts[r.errno] + ": " + r.text
	}
	return errnoTexts[r.errno]
}

// Unwrap returns the error of package fs that it is, if it is one.
func (r *refusal) Unwrap() error {
	switch r.errno {
	case ENOENT:
		return fs.ErrNotExist
	case EEXIST:
		return fs.ErrExist
	case EPERM, EACCES:
		return fs.ErrPermission
	}
	return nil
}

// Is reports whether another error is a refusal for the same reason.
func (r *refusal) Is(err error) bool {
	other, ok := err.(*refusal)
	return ok && other.errno == r.errno
}
