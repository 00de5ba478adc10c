package gostack

// An errno is an error as a system call returns it, with Linux's number; 0 is
// success.
type errno int

// Linux's numbers.
const (
	eok             errno = 0
	eperm           errno = 1
	enoent          errno = 2
	eintr           errno = 4
	eio             errno = 5
	enxio           errno = 6
	ebadf           errno = 9
	eagain          errno = 11
	enomem          errno = 12
	eacces          errno = 13
	efault          errno = 14
	eexist          errno = 17
	enodev          errno = 19
	enotdir         errno = 20
	eisdir          errno = 21
	einval          errno = 22
	emfile          errno = 24
	enotty          errno = 25
	enospc          errno = 28
	espipe          errno = 29
	epipe           errno = 32
	edom            errno = 33
	enodata         errno = 61
	eproto          errno = 71
	enotsock        errno = 88
	edestaddrreq    errno = 89
	emsgsize        errno = 90
	eprototype      errno = 91
	enoprotoopt     errno = 92
	eprotonosupport errno = 93
	esocktnosupport errno = 94
	eopnotsupp      errno = 95
	eafnosupport    errno = 97
	eaddrinuse      errno = 98
	eaddrnotavail   errno = 99
	enetdown        errno = 100
	enetunreach     errno = 101
	econnaborted    errno = 103
	econnreset      errno = 104
	enobufs         errno = 105
	eisconn         errno = 106
	enotconn        errno = 107
	etimedout       errno = 110
	econnrefused    errno = 111
	ehostdown       errno = 112
	ehostunreach    errno = 113
	ealready        errno = 114
	einprogress     errno = 115

	// eblock is no error: the call sleeps until something it waits for happens,
	// and is then made again.
	eblock errno = -1
	// eunsupported says that this stack has no such call, option or argument; the
	// task's unsupported says what.
	eunsupported errno = -2
)
