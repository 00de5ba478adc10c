package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"tcpdrill/engine/report"
)

// mergeCommand makes one report of those of several runs.
type mergeCommand struct {
	Format string   `default:"text" enum:"text,jsonl,tap,junit" help:"text, jsonl, tap or junit."`
	Output string   `short:"o" placeholder:"FILE" help:"Where the results go; standard output by default."`
	Files  []string `arg:"" name:"file.jsonl" help:"What run --format=jsonl wrote, of each shard."`
}

// Run reads all results and writes them in the order of the scripts' names,
// however they were distributed.
func (m *mergeCommand) Run(c *console) error {
	all, err := readResults(m.Files)
	if err != nil {
		return err
	}
	out, err := c.openOutput(m.Output)
	if err != nil {
		return err
	}
	defer out.close()
	tty := m.Output == "" && c.terminal() != nil
	w := c.annotated(newWriter(out, m.Format, report.TextOptions{Brief: tty, Colour: tty}, 0), m.Format)
	total := report.Total{Tally: report.Tally{}}
	w.Begin(len(all))
	for _, one := range all {
		w.Run(one.Run)
		total.Add(one.Run)
		total.Took += time.Duration(one.Seconds * float64(time.Second))
	}
	w.End(total)
	if err := out.close(); err != nil {
		return err
	}
	if err := complete(all); err != nil {
		return err
	}
	return status(total.Tally)
}

// readResults reads files, sorts what they hold, and refuses to count a run twice.
func readResults(files []string) ([]report.Result, error) {
	var all []report.Result
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		some, err := report.ReadJSONL(f, name)
		f.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, compareResults)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; compareResults(a, b) == 0 {
			return nil, fmt.Errorf("%s: %s on %s, %s: this run is at %s already (several runs of a script: run --repeat)",
				b.Place, b.Script, b.Stack, b.IPVersion, a.Place)
		}
	}
	return all, nil
}

// compareResults orders runs; those that it can't tell apart are the same.
func compareResults(a, b report.Result) int {
	return cmp.Or(cmp.Compare(a.Script, b.Script), cmp.Compare(a.Stack, b.Stack),
		cmp.Compare(a.IPVersion, b.IPVersion), cmp.Compare(a.Repeat, b.Repeat))
}

// complete reports an error unless all shards are there, to their ends: each line
// says how many all have.
func complete(all []report.Result) error {
	there := map[int]int{}
	for _, one := range all {
		there[one.Whole]++
	}
	delete(there, 0) // of no shard
	for whole, n := range there {
		if n%whole != 0 { // several suites may have as many
			return fmt.Errorf("merge: there are %d of %d runs: a shard is missing, or was interrupted", n%whole, whole)
		}
	}
	return nil
}
