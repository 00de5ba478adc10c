package drilltest

import (
	"testing"

	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
)

// Observe has f told what begins and what ends.
func Observe(f func(suite.Event)) { observe = f }

// ForgetMain makes it as if Main hadn't been called.
func ForgetMain() { hasMain.Store(false) }

// Verdict makes a run's verdict the test's.
func Verdict(t *testing.T, r report.Run, options ...Option) {
	c, err := newConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	c.verdict(t, r)
}

// Names returns what the scripts of a pattern are called in the names of subtests.
func Names(pattern string) (names []string, err error) {
	base, paths, err := find(pattern)
	if err != nil {
		return nil, err
	}
	files, err := suite.Find(paths)
	for _, f := range files {
		names = append(names, short(base, f))
	}
	return names, err
}
