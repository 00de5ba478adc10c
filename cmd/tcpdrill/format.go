package main

import (
	"io"

	"tcpdrill/engine/report"
)

// newWriter returns what writes results in a format. If they are of a shard, whole is
// how many runs all shards have.
func newWriter(w io.Writer, format string, text report.TextOptions, whole int) report.Writer {
	switch format {
	case "jsonl":
		return report.JSONL(w, whole)
	case "tap":
		return report.TAP(w)
	case "junit":
		return report.JUnit(w)
	}
	return report.Text(w, text)
}
