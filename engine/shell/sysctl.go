package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"tcpdrill/engine"
)

// sysctlOptions are those of procps's sysctl that scripts use.
type sysctlOptions struct {
	quiet  bool // -q: don't show what was set
	values bool // -n: show values without names
	names  bool // -N: show names without values
	binary bool // -b: no newline after a value
	ignore bool // -e: unknown names are no error
	write  bool // -w: only assignments
}

func (o *sysctlOptions) set(arg string) bool {
	switch arg {
	case "--quiet":
		o.quiet = true
	case "--values":
		o.values = true
	case "--names":
		o.names = true
	case "--binary":
		o.binary = true
	case "--ignore":
		o.ignore = true
	case "--write":
		o.write = true
	default:
		if strings.HasPrefix(arg, "--") {
			return false
		}
		for _, c := range arg[1:] {
			switch c {
			case 'q':
				o.quiet = true
			case 'n':
				o.values = true
			case 'N':
				o.names = true
			case 'b':
				o.binary = true
			case 'e':
				o.ignore = true
			case 'w':
				o.write = true
			case 'o', 'x':
			default:
				return false
			}
		}
	}
	return true
}

// sysctl is `sysctl [-qnNbew] NAME... NAME=VALUE...`. It goes on after an
// error, and its status tells of any, as procps's does.
func sysctl(c *call) (int, error) {
	var o sysctlOptions
	var args []string
	options := true
	for _, arg := range c.args {
		switch {
		case options && arg == "--":
			options = false
		case options && len(arg) > 1 && arg[0] == '-':
			if !o.set(arg) {
				return 0, errOther
			}
		default:
			args = append(args, arg)
		}
	}
	if len(args) == 0 {
		return 0, errOther
	}
	exit := 0
	for _, arg := range args {
		name, value, assign := strings.Cut(arg, "=")
		// A slash-separated name is shown dotted.
		name = engine.SysctlName(strings.TrimSpace(name))
		switch {
		case name == "" || o.write && !assign:
			fmt.Fprintf(c.err, "sysctl: %q is not an assignment\n", arg)
			exit = 1
		case assign:
			exit |= c.setSysctl(&o, name, strings.TrimSpace(value))
		default:
			exit |= c.showSysctl(&o, name)
		}
	}
	return exit, nil
}

func (c *call) setSysctl(o *sysctlOptions, name, value string) int {
	err := c.host.SetSysctl(name, value)
	switch {
	case err == nil:
		if !o.quiet {
			c.printSysctl(o, name, value)
		}
		return 0
	case errors.Is(err, fs.ErrNotExist):
		return c.unknownSysctl(o, name)
	case errors.Is(err, engine.ErrReadOnly):
		// procps's says so and yet returns 0.
		fmt.Fprintf(c.err, "sysctl: setting key \"%s\": it is read-only\n", name)
		return 0
	}
	return c.fail(1, "sysctl: setting key \""+name+"\": %s", err)
}

func (c *call) showSysctl(o *sysctlOptions, name string) int {
	value, err := c.host.Sysctl(name)
	switch {
	case err == nil:
		c.printSysctl(o, name, value)
		return 0
	case errors.Is(err, fs.ErrNotExist):
		return c.unknownSysctl(o, name)
	}
	return c.fail(1, "sysctl: reading key \""+name+"\": %s", err)
}

func (c *call) unknownSysctl(o *sysctlOptions, name string) int {
	if o.ignore {
		return 0
	}
	fmt.Fprintf(c.err, "sysctl: cannot stat %s: No such file or directory\n", engine.SysctlPath(name))
	return 1
}

func (c *call) printSysctl(o *sysctlOptions, name, value string) {
	switch {
	case o.names:
		fmt.Fprintln(c.out, name)
	case o.binary:
		fmt.Fprint(c.out, value)
	case o.values:
		fmt.Fprintln(c.out, value)
	default:
		for line := range strings.SplitSeq(value, "\n") {
			fmt.Fprintf(c.out, "%s = %s\n", name, line)
		}
	}
}

// setSysctls is the suites' set_sysctls.py: `set_sysctls.py FILE=VALUE...`
// with files of /proc/sys. It sets them and leaves a script,
// /tmp/sysctl_restore_$PACKETDRILL_PID.sh, which sets them back. That script
// exists in memory alone.
func setSysctls(c *call) (int, error) {
	restore := "#!/bin/bash\n"
	script := "/tmp/sysctl_restore_" + c.pid + ".sh"
	c.writeFile(script, []byte(restore))
	for _, arg := range c.args {
		file, value, assign := strings.Cut(arg, "=")
		// The original takes what is between the first two equals signs.
		value, _, _ = strings.Cut(value, "=")
		if !strings.HasPrefix(file, "/proc/sys/") {
			return 0, errOther
		}
		name := engine.SysctlName(file)
		old, err := c.host.Sysctl(name)
		if err != nil {
			return c.fail(1, "cat: "+file+": %s", err), nil
		}
		restore += fmt.Sprintf("echo \"%s\" > %s\n", strings.TrimSpace(old), file)
		c.writeFile(script, []byte(restore))
		if !assign {
			fmt.Fprintln(c.err, "set_sysctls.py: no value for", file)
			return 1, nil
		}
		if err := c.host.SetSysctl(name, value); err != nil {
			// The original doesn't look at how the writing went.
			c.fail(0, "sh: "+file+": %s", err)
		}
	}
	return 0, nil
}
