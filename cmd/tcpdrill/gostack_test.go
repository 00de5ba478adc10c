package main

import (
	"os"
	"strings"
	"testing"

	"tcpdrill/engine/gostack"
)

// The page on gostack lists all faults, in the table that mutate makes of the examples.
func TestFaultsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/gostack.md")
	if err != nil {
		t.Fatal(err)
	}
	names, does := gostack.FaultList()
	for i, name := range names {
		if row := "| " + name + " | " + does[i] + " | "; !strings.Contains(string(page), row) {
			t.Errorf("docs/gostack.md hasn't %q", row)
		}
	}
}
