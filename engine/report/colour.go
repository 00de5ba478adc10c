package report

import "tcpdrill/engine"

// colours are the escape codes that a verdict's word bears on a terminal.
var colours = map[engine.Verdict]string{
	engine.Pass:         "\x1b[32m", // green
	engine.Fail:         "\x1b[31m", // red
	engine.Error:        "\x1b[31m",
	engine.Inconclusive: "\x1b[33m", // yellow
	engine.Unsupported:  "\x1b[36m", // cyan
}

// colour is text in the colour of a verdict.
func colour(v engine.Verdict, text string) string {
	return colours[v] + text + "\x1b[0m"
}
