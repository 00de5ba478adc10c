package main

import (
	"bufio"
	"fmt"
	"os"

	"tcpdrill/engine/fromcapture"
)

type importCommand struct {
	Local      string `placeholder:"ADDR[:PORT]" help:"The end that is the stack under test; by default the one that the capture shows to be."`
	Remote     string `placeholder:"ADDR[:PORT]" help:"The other end."`
	Connection int    `placeholder:"N" help:"Which connection, if there are several; they are counted from 1."`
	Output     string `short:"o" placeholder:"FILE" help:"Where the script goes; standard output by default."`
	File       string `arg:"" help:"A capture: pcapng or pcap."`
}

// Run writes a script from a capture.
func (ic *importCommand) Run(c *console) error {
	opt := fromcapture.Options{Name: ic.File, Connection: ic.Connection}
	for _, e := range []struct {
		flag, value string
		end         *fromcapture.End
	}{{"--local", ic.Local, &opt.Local}, {"--remote", ic.Remote, &opt.Remote}} {
		if e.value == "" {
			continue
		}
		var err error
		if *e.end, err = fromcapture.ParseEnd(e.value); err != nil {
			return fmt.Errorf("%s: %w", e.flag, err)
		}
	}
	f, err := os.Open(ic.File)
	if err != nil {
		return err
	}
	defer f.Close()
	res, err := fromcapture.Import(bufio.NewReader(f), opt)
	if err != nil {
		return fmt.Errorf("%s: %w", ic.File, err)
	}
	out, err := c.openOutput(ic.Output)
	if err != nil {
		return err
	}
	defer out.close()
	if _, err := out.Write(res.Script); err != nil {
		return err
	}
	for _, n := range res.Notes[1:] { // the first says what was asked for
		fmt.Fprintf(c.stderr, "tcpdrill: %s\n", n)
	}
	return out.close()
}
