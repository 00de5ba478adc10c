package shell

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// ddLimit is as much as dd copies, in bytes: files are in memory here.
const ddLimit = 64 << 20

// dd is `dd [if=FILE] [of=FILE] [bs=N] [count=N] [status=none|noxfer]`, for hosts on
// which no real one can run.
func dd(c *call) (int, error) {
	if c.executor() != nil {
		return 0, errOther
	}
	in, out, status := "", "", ""
	blockSize, count := int64(512), int64(math.MaxInt64)
	for _, arg := range c.args {
		name, value, _ := strings.Cut(arg, "=")
		var err error
		switch name {
		case "if":
			in = value
		case "of":
			out = value
		case "status":
			status = value
		case "bs":
			blockSize, err = ddNumber(value)
		case "count":
			count, err = ddNumber(value)
		default:
			return 0, errOther
		}
		if err != nil || blockSize == 0 {
			fmt.Fprintf(c.err, "dd: invalid number: '%s'\n", value)
			return 1, nil
		}
	}
	hc := interp.HandlerCtx(c.ctx)
	var from io.Reader = c.in
	switch {
	case in == "/dev/zero":
		from = zeros{}
	case in != "":
		b, err := c.readFile(c.env.abs(in))
		if err != nil {
			fmt.Fprintf(c.err, "dd: failed to open '%s': %s\n", in, plain(err))
			return 1, nil
		}
		from = strings.NewReader(string(b))
	}
	to := c.out
	if out != "" {
		f, err := c.openFile(c.env.abs(out), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666, hc)
		if err != nil {
			fmt.Fprintf(c.err, "dd: failed to open '%s': %s\n", out, plain(err))
			return 1, nil
		}
		defer f.Close()
		to = f
	}
	limit := int64(ddLimit)
	if count < ddLimit/blockSize {
		limit = count * blockSize
	}
	n, err := io.Copy(to, io.LimitReader(from, limit))
	if err != nil {
		return c.written("dd", err)
	}
	if n == ddLimit && limit == ddLimit {
		fmt.Fprintf(c.err, "dd: more than %d bytes are not copied here\n", ddLimit)
		return 1, nil
	}
	if status != "none" {
		fmt.Fprintf(c.err, "%d+%d records in\n%[1]d+%[2]d records out\n", n/blockSize, min(n%blockSize, 1))
	}
	return 0, nil
}

// ddNumber reads a number with dd's multipliers.
func ddNumber(s string) (int64, error) {
	unit := int64(1)
	if n := len(s); n > 0 {
		if m, ok := map[byte]int64{'c': 1, 'w': 2, 'b': 512, 'k': 1 << 10, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}[s[n-1]]; ok {
			unit, s = m, s[:n-1]
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return int64(n) * unit, err
}

// zeros is /dev/zero.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
