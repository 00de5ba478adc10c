package shell

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"

	"tcpdrill/engine"
)

// Commands see the machine's files (or Options.ReadFile's), and over them
// /proc as the host has it and what earlier commands wrote.

// abs makes a name absolute and clean.
func (e *environment) abs(name string) string {
	switch {
	case strings.HasPrefix(name, "/"):
		return path.Clean(name)
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	case strings.HasPrefix(e.dir, "/"):
		return path.Join(e.dir, name)
	}
	return filepath.Join(e.dir, name)
}

// readFile reads a file by its absolute name.
func (s *session) readFile(name string) ([]byte, error) {
	s.mu.Lock()
	b, err := s.readSpecial(name)
	if unsupported, ok := errors.AsType[*engine.UnsupportedError](err); ok {
		s.noteLocked(unsupported)
	}
	s.mu.Unlock()
	switch {
	case err != errOrdinary:
		return b, err
	case s.opts.ReadFile != nil:
		return s.opts.ReadFile(name)
	}
	return os.ReadFile(name)
}

// errOrdinary says that a file is an ordinary one.
var errOrdinary = errors.New("ordinary file")

// readSpecial reads a file which isn't an ordinary one.
func (s *session) readSpecial(name string) ([]byte, error) {
	if b, ok := s.state.files[name]; ok {
		return b, nil
	}
	switch {
	case name == "/dev/null":
		return nil, nil
	case strings.HasPrefix(name, "/proc/sys/"):
		v, err := s.host.Sysctl(engine.SysctlName(name))
		return []byte(v + "\n"), err
	case strings.HasPrefix(name, "/proc/"):
		name = strings.Replace(name, "/proc/self/net/", "/proc/net/", 1)
		b, err := s.host.ReadFile(name)
		if _, ok := errors.AsType[*engine.UnsupportedError](err); ok {
			if made, ok := s.counterFile(name); ok {
				return made, nil
			}
		}
		return b, err
	}
	return nil, errOrdinary
}

// open implements interp.OpenHandlerFunc, for redirections.
func (s *session) open(ctx context.Context, name string, flag int, perm os.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	abs := (&environment{dir: hc.Dir}).abs(name)
	f, err := s.openFile(abs, flag, perm, hc)
	if err != nil {
		// Any other type of error would end the script.
		return nil, &os.PathError{Op: "open", Path: name, Err: errors.New(plain(err))}
	}
	return f, nil
}

func (s *session) openFile(name string, flag int, perm os.FileMode, hc interp.HandlerContext) (io.ReadWriteCloser, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		b, err := s.readFile(name)
		if err != nil {
			return nil, err
		}
		return &readOnly{strings.NewReader(string(b))}, nil
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	_, inMemory := s.state.files[name]
	switch {
	case name == "/dev/null":
		return &writeOnly{io.Discard}, nil
	case name == "/dev/stdout":
		return &writeOnly{hc.Stdout}, nil
	case name == "/dev/stderr":
		return &writeOnly{hc.Stderr}, nil
	case strings.HasPrefix(name, "/proc/sys/"):
		sysctl := engine.SysctlName(name)
		_, err := s.host.Sysctl(sysctl)
		if unsupported, ok := errors.AsType[*engine.UnsupportedError](err); ok {
			s.noteLocked(unsupported)
			return nil, err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return &writeOnly{&sysctlFile{s, sysctl}}, nil
	case strings.HasPrefix(name, "/proc/"):
		err := &engine.UnsupportedError{What: "writing to " + name}
		s.noteLocked(err)
		return nil, err
	case !inMemory && s.opts.ReadFile == nil && s.executor() != nil:
		return os.OpenFile(name, flag, perm)
	}
	if !inMemory || flag&os.O_TRUNC != 0 {
		s.writeFile(name, nil)
	}
	return &writeOnly{&memoryFile{s, name}}, nil
}

func (s *session) writeFile(name string, b []byte) {
	if s.state.files == nil {
		s.state.files = make(map[string][]byte)
	}
	s.state.files[name] = b
	if k, ok := s.host.(engine.FileKeeper); ok {
		k.PutFile(name, b)
	}
}

// removeFile reports whether there was one.
func (s *session) removeFile(name string) bool {
	_, found := s.state.files[name]
	delete(s.state.files, name)
	if k, ok := s.host.(engine.FileKeeper); ok {
		found = k.RemoveFile(name) || found
	}
	return found
}

// inMemory reports whether a file, if there is one of the name, can only be in memory.
func (s *session) inMemory(name string) bool {
	if _, ok := s.state.files[name]; ok {
		return true
	}
	_, ok := s.host.(engine.FileKeeper)
	return ok && path.Dir(name) == "/tmp"
}

// A sysctlFile is a sysctl's file open for writing.
type sysctlFile struct {
	s    *session
	name string
}

// Write sets the sysctl: each write to such a file does.
func (f *sysctlFile) Write(p []byte) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	err := f.s.host.SetSysctl(f.name, strings.TrimRight(string(p), "\n"))
	if err == nil {
		return len(p), nil
	}
	if unsupported, ok := errors.AsType[*engine.UnsupportedError](err); ok {
		f.s.noteLocked(unsupported)
	}
	return 0, err
}

// A memoryFile is a file in memory open for writing.
type memoryFile struct {
	s    *session
	name string
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.writeFile(f.name, append(f.s.state.files[f.name], p...))
	return len(p), nil
}

var errBadDescriptor = errors.New("bad file descriptor")

type readOnly struct{ io.Reader }

func (*readOnly) Write([]byte) (int, error) { return 0, errBadDescriptor }
func (*readOnly) Close() error              { return nil }

type writeOnly struct{ io.Writer }

func (*writeOnly) Read([]byte) (int, error) { return 0, errBadDescriptor }
func (*writeOnly) Close() error             { return nil }

// stat implements interp.StatHandlerFunc, for test and cd.
func (s *session) stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	s.mu.Lock()
	b, err := s.readSpecial(name)
	s.mu.Unlock()
	_, real := s.host.(engine.Executor)
	switch {
	case err == nil:
	case s.opts.ReadFile == nil && (real || err == errOrdinary):
		return interp.DefaultStatHandler()(ctx, name, follow) // maybe a folder
	case err == errOrdinary:
		b, err = s.opts.ReadFile(name)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fileInfo{path.Base(name), int64(len(b))}, nil
}

// access implements interp.AccessHandlerFunc.
func (s *session) access(ctx context.Context, name string, mode interp.AccessMode) error {
	info, err := s.stat(ctx, name, true)
	if _, ours := info.(fileInfo); ours || err != nil {
		return err
	}
	return interp.DefaultAccessHandler()(ctx, name, mode)
}

// readDir implements interp.ReadDirHandlerFunc2, for patterns.
func (s *session) readDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	if s.opts.ReadFile != nil {
		return nil, nil
	}
	return interp.DefaultReadDirHandler2()(ctx, name)
}

// fileInfo describes a file that isn't the machine's.
type fileInfo struct {
	name string
	size int64
}

func (f fileInfo) Name() string     { return f.name }
func (f fileInfo) Size() int64      { return f.size }
func (fileInfo) Mode() fs.FileMode  { return 0o755 }
func (fileInfo) ModTime() time.Time { return time.Time{} }
func (fileInfo) IsDir() bool        { return false }
func (fileInfo) Sys() any           { return nil }

// plain is an error's text as C programs show it, without the name of the
// file.
func plain(err error) string {
	if pathErr, ok := err.(*fs.PathError); ok {
		err = pathErr.Err
	}
	if _, ok := errors.AsType[*engine.UnsupportedError](err); ok {
		return err.Error()
	}
	switch err {
	case fs.ErrNotExist:
		return "No such file or directory"
	case fs.ErrExist:
		return "File exists"
	case fs.ErrPermission:
		return "Permission denied"
	}
	text := err.Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
