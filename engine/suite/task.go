// Package suite runs many scripts: as many at a time as can be without one of them
// being late.
package suite

import (
	"os"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// A Task is a script to run in one IP version.
type Task struct {
	Name    string // the file's, as the user gave it
	Source  []byte
	Version engine.IPVersion
	Repeat  int // which run of the same it is, from 1; 0 if it is run once
}

// Tasks are all scripts that paths name, in all of the IP versions in which they
// run: those of versions, or by default the one that the script is for.
func Tasks(paths []string, versions []engine.IPVersion) ([]Task, error) {
	files, err := Find(paths)
	if err != nil {
		return nil, err
	}
	var tasks []Task
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, v := range versionsOf(name, src, versions) {
			tasks = append(tasks, Task{Name: name, Source: src, Version: v})
		}
	}
	return tasks, nil
}

// Repeat returns tasks with each n times, one after the other.
func Repeat(tasks []Task, n int) []Task {
	if n == 1 {
		return tasks
	}
	var out []Task
	for _, t := range tasks {
		for i := range n {
			t.Repeat = i + 1
			out = append(out, t)
		}
	}
	return out
}

// versionsOf returns in which of the IP versions asked for a script runs, or in
// which it runs if none was. Names that end in v4.pkt and v6.pkt and a script's
// own --ip_version say what it is for.
func versionsOf(name string, src []byte, asked []engine.IPVersion) []engine.IPVersion {
	own := ownVersion(name, src)
	v4, v6 := strings.HasSuffix(name, "v4.pkt"), strings.HasSuffix(name, "v6.pkt")
	switch {
	case len(asked) > 0:
	case own != "":
		return []engine.IPVersion{own}
	case v6:
		return []engine.IPVersion{engine.IPv6}
	default:
		return []engine.IPVersion{engine.IPv4}
	}
	var out []engine.IPVersion
	for _, v := range asked {
		if v4 && v == engine.IPv6 || v6 && v != engine.IPv6 || own != "" && own != v {
			continue
		}
		out = append(out, v)
	}
	return out
}

// ownVersion returns what a script sets --ip_version to, "" if nothing.
func ownVersion(name string, src []byte) engine.IPVersion {
	if !strings.Contains(string(src), "--ip_version") {
		return ""
	}
	s, err := script.Parse(name, src, nil)
	if err != nil {
		return "" // the run will say so
	}
	for _, o := range s.Options {
		if o.Name == "ip_version" {
			return engine.IPVersion(o.Value)
		}
	}
	return ""
}
