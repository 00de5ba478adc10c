// Command tcpdrill runs packetdrill-language scripts against TCP stacks and
// says, segment by segment, what the stack did.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tcpdrill/engine/stacks"
)

// Exit statuses, the first that applies.
const (
	exitPass         = 0
	exitFail         = 1
	exitError        = 2
	exitNothing      = 3 // nothing could run here
	exitInconclusive = 4
)

const description = `Runs packetdrill's .pkt scripts against TCP stacks and says what each did, when and why.`

// commandLine is the whole command line; each command is a file of its own.
type commandLine struct {
	Run        runCommand        `cmd:"" help:"Run scripts, or all .pkt files of folders."`
	Compare    compareCommand    `cmd:"" help:"Play scripts to several stacks and say where they part."`
	Golden     goldenCommand     `cmd:"" help:"Record what stacks do, and check it later."`
	Merge      mergeCommand      `cmd:"" help:"Make one report of those of several shards."`
	Mutate     mutateCommand     `cmd:"" help:"Say which faults of a stack scripts notice."`
	Vet        vetCommand        `cmd:"" help:"Parse and check scripts; run nothing."`
	Fmt        fmtCommand        `cmd:"" help:"Print scripts in the one layout."`
	Kernel     kernelCommand     `cmd:"" help:"Build, list and remove kernels that run as processes."`
	Import     importCommand     `cmd:"" help:"Write a script from a capture of a connection."`
	Stacks     stacksCommand     `cmd:"" help:"Say what can be drilled here and, if not, why."`
	Crosscheck crosscheckCommand `cmd:"" help:"Compare two stacks by random scripts."`
	// Packetdrill is here for the help only: its options are its own.
	Packetdrill packetdrillHelp `cmd:"" help:"Take packetdrill's place: its options, output and exit status." passthrough:""`
}

type packetdrillHelp struct {
	Args []string `arg:"" optional:""`
}

// Run implements the command for callers that reach it through kong.
func (p *packetdrillHelp) Run(c *console) error {
	return exitStatus(packetdrill(c, p.Args))
}

// A console is where a command reads and writes.
type console struct {
	ctx    context.Context // ends at ^C
	stdout io.Writer
	stderr io.Writer
}

// exitStatus is the status that a command ends with.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	stacks.Main() // does not return in a worker or a guest
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// run is main, testable.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	out := &output{w: stdout}
	status := command(&console{ctx: ctx, stdout: out, stderr: stderr}, args)
	if out.err != nil {
		fmt.Fprintf(stderr, "tcpdrill: %v\n", out.err)
		return exitError
	}
	return status
}

// command runs the command that the arguments name.
func command(c *console, args []string) int {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	switch {
	case name == "packetdrill":
		return packetdrill(c, args[1:])
	case len(args) > 1 && args[1] == "packetdrill":
		return packetdrill(c, args[2:])
	}
	return dispatch(c, args[1:])
}

// dispatch parses the command line and runs the command.
func dispatch(c *console, args []string) (status int) {
	var cli commandLine
	exited := false
	parser, err := kong.New(&cli, kong.Name("tcpdrill"), kong.Description(description),
		kong.UsageOnError(), kong.Writers(c.stdout, c.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"whats": whats()},
		kong.Exit(func(n int) { exited, status = true, n }))
	if err != nil {
		fmt.Fprintf(c.stderr, "tcpdrill: %v\n", err)
		return exitError
	}
	ctx, err := parser.Parse(packetdrillNames(args))
	if exited {
		return status
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "tcpdrill: %v\n", err)
		return exitError
	}
	err = ctx.Run(c, ctx)
	var e exitStatus
	switch {
	case errors.As(err, &e):
		return int(e)
	case err != nil:
		fmt.Fprintf(c.stderr, "tcpdrill: %v\n", err)
		return exitError
	}
	return exitPass
}

// packetdrillNames turns packetdrill's spelling of options (--tolerance_usecs)
// into ours, with dashes.
func packetdrillNames(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if !strings.HasPrefix(a, "--") || a == "--" {
			continue
		}
		name, value, ok := strings.Cut(a, "=")
		if !strings.Contains(name, "_") {
			continue
		}
		out[i] = strings.ReplaceAll(name, "_", "-")
		if ok {
			out[i] += "=" + value
		}
	}
	return out
}
