package suite

import "tcpdrill/golden"

// Find returns the script files that paths name: files as they are,
// folders searched for *.pkt, sorted.
func Find(paths []string) ([]string, error) { return golden.Find(paths, ".pkt") }
