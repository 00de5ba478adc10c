package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"

	"tcpdrill/engine"
)

// sleep is `sleep NUMBER[smhd]...`, on the target's clock.
func sleep(c *call) (int, error) {
	var total float64
	for _, arg := range c.args {
		unit := 1.0
		number := arg
		if n := len(arg); n > 0 {
			if i := strings.IndexByte("smhd", arg[n-1]); i >= 0 {
				unit = []float64{1, 60, 3600, 86400}[i]
				number = arg[:n-1]
			}
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || f < 0 || math.IsNaN(f) {
			fmt.Fprintf(c.err, "sleep: invalid time interval '%s'\n", arg)
			return 1, nil
		}
		total += f * unit
	}
	if c.opts.Clock == nil || len(c.args) == 0 {
		return 0, errOther
	}
	until := engine.Forever
	if d := total * float64(time.Second); d < float64(engine.Forever-c.opts.Clock.Now()) {
		until = c.opts.Clock.Now() + time.Duration(d)
	}
	c.opts.Clock.WaitUntil(until)
	return 0, nil
}

// rm is `rm [-f] FILE...` for files in memory; others are the real rm's.
func rm(c *call) (int, error) {
	force := false
	var names []string
	for _, arg := range c.args {
		if strings.HasPrefix(arg, "-") {
			force = force || strings.Contains(arg, "f")
			continue
		}
		name := c.env.abs(arg)
		if !c.inMemory(name) {
			return 0, errOther
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return 0, errOther
	}
	exit := 0
	for _, name := range names {
		if !c.removeFile(name) && !force {
			fmt.Fprintf(c.err, "rm: cannot remove '%s': No such file or directory\n", name)
			exit = 1
		}
	}
	return exit, nil
}

// written answers for a program that ends with writing.
func (c *call) written(program string, err error) (int, error) {
	if err != nil {
		fmt.Fprintf(c.err, "sh: %s: write error: %s\n", program, plain(err))
		return 1, nil
	}
	return 0, nil
}

// echo is bash's: `echo [-neE] WORD...`.
func echo(c *call) (int, error) {
	newline, escapes := "\n", false
	args := c.args
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, o := range args[0][1:] {
			switch o {
			case 'n':
				newline = ""
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		// Without arguments, a format's verbs are plain text.
		expanded, _, err := expand.Format(nil, text, nil)
		if err == nil {
			text = expanded
		}
	}
	_, err := io.WriteString(c.out, text+newline)
	return c.written("echo", err)
}

// printf is bash's: `printf FORMAT WORD...`, the format again as long as words
// are left.
func printf(c *call) (int, error) {
	args := c.args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return 0, errOther
	}
	format, args := args[0], args[1:] // not nil: verbs count
	var text strings.Builder
	for {
		s, n, err := expand.Format(nil, format, args)
		if err != nil {
			fmt.Fprintf(c.err, "sh: printf: %v\n", err)
			return 1, nil
		}
		text.WriteString(s)
		args = args[n:]
		if n == 0 || len(args) == 0 {
			break
		}
	}
	_, err := io.WriteString(c.out, text.String())
	return c.written("printf", err)
}

// files opens the files named, or the input if none is; "-" is the input too.
// It reports those it can't read, with the status 1.
func (c *call) files(program string, names []string, each func(name string, r io.Reader) error) (int, error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	exit := 0
	for _, name := range names {
		var r io.Reader = strings.NewReader("")
		if name != "-" {
			b, err := c.readFile(c.env.abs(name))
			if err != nil {
				fmt.Fprintf(c.err, "%s: %s: %s\n", program, name, plain(err))
				exit = 1
				continue
			}
			r = strings.NewReader(string(b))
		} else if c.in != nil {
			r = c.in
		}
		if err := each(name, r); err != nil {
			if errors.Is(err, errEnough) {
				break
			}
			return c.written(program, err)
		}
	}
	return exit, nil
}

// errEnough ends the reading of files.
var errEnough = errors.New("enough")

// cat is `cat FILE...`.
func cat(c *call) (int, error) {
	for _, arg := range c.args {
		if len(arg) > 1 && arg[0] == '-' {
			return 0, errOther
		}
	}
	return c.files("cat", c.args, func(_ string, r io.Reader) error {
		// Whole, since a write to a sysctl's file sets it.
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		_, err = c.out.Write(b)
		return err
	})
}

// wc is `wc -l|-w|-c [FILE]`, with one option.
func wc(c *call) (int, error) {
	if len(c.args) == 0 || len(c.args) > 2 {
		return 0, errOther
	}
	option, names := c.args[0], c.args[1:]
	if option != "-l" && option != "-w" && option != "-c" {
		return 0, errOther
	}
	return c.files("wc", names, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		n := len(b)
		switch option {
		case "-l":
			n = strings.Count(string(b), "\n")
		case "-w":
			n = len(strings.Fields(string(b)))
		}
		if len(names) > 0 {
			_, err = fmt.Fprintln(c.out, n, name)
		} else {
			_, err = fmt.Fprintln(c.out, n)
		}
		return err
	})
}

// lines calls f with each line of r, without its newline.
func lines(r io.Reader, f func(line string) error) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			if err := f(strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
