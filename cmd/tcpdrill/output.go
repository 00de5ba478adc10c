package main

import (
	"io"
	"os"
)

// An output is where a command's report goes: a file, or standard output. It keeps
// the first error, so that what writes a report need not look at each line's.
type output struct {
	w    io.Writer
	file *os.File // nil for standard output
	err  error
}

// openOutput makes the file of the option --output, if there is one.
func (c *console) openOutput(name string) (*output, error) {
	if name == "" {
		return &output{w: c.stdout}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &output{w: f, file: f}, nil
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// close ends a file; its error is the first of all: a report that is not all there must
// not look like one. For standard output, which goes on, that is said at the end.
func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Close(); o.err == nil {
		o.err = err
	}
	o.file = nil
	return o.err
}
