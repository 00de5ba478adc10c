package main

import (
	"errors"
	"fmt"
	"os"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/suite"
	"tcpdrill/script"
)

type vetCommand struct {
	Define []string `short:"D" sep:"none" placeholder:"SYMBOL=VALUE" help:"Give a symbol of the scripts a value."`
	Paths  []string `arg:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run checks each script and prints what is wrong.
func (v *vetCommand) Run(c *console) error {
	files, err := suite.Find(v.Paths)
	if err != nil {
		return err
	}
	var settings []engine.Setting
	for _, d := range v.Define {
		settings = append(settings, engine.Setting{Name: "define", Value: d, HasValue: true})
	}
	bad := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, _, err := drill.NewJob(name, src, settings).Load()
		if err == nil {
			// packetdrill has no such headers, and runs a script that has a wrong one.
			if _, errs := script.Differences(s); len(errs) > 0 {
				err = errs
			}
		}
		var list script.ErrorList
		var unsupported *engine.UnsupportedError
		switch {
		case err == nil || errors.As(err, &unsupported):
			continue
		case errors.As(err, &list):
			fmt.Fprint(c.stderr, list.Render(src))
		default:
			fmt.Fprintf(c.stderr, "%s: %v\n", name, err)
		}
		bad++
	}
	if bad > 0 {
		fmt.Fprintf(c.stderr, "%d of %d scripts have errors\n", bad, len(files))
		return exitStatus(exitError)
	}
	return nil
}
