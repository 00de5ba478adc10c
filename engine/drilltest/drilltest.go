// Package drilltest runs packetdrill-language scripts as subtests of Go tests:
//
//	func TestMain(m *testing.M) { drilltest.Main(m) }
//
//	func TestTCP(t *testing.T) {
//		drilltest.Run(t, "testdata/*.pkt", drilltest.IPVersions("ipv4", "ipv6"))
//	}
//
// The subtests are TestTCP/nagle.pkt/ipv4, TestTCP/nagle.pkt/ipv6 and so on. What -run and
// -skip leave out is not run.
package drilltest

import (
	"path"
	"sync/atomic"
	"testing"

	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
)

// hasMain is whether Main was called: else workers, which are this program run once more,
// would run its tests.
var hasMain atomic.Bool

// Main runs the tests. It is what TestMain is to do first of all, as this process may be
// a worker of a test, and then Main doesn't return. TestMain may do more once it has
// returned; its status is the tests' unless TestMain exits with another.
func Main(m *testing.M) {
	stacks.Main()
	hasMain.Store(true)
	m.Run()
}

// Run runs each script that pattern names in a subtest for each IP version and, if there
// are several, each stack. A pattern is a file, a folder, which is searched for *.pkt, or
// a glob of them, as filepath.Glob has it. If there is no such script, the test fails.
//
// Scripts run beside each other, as many as can run without being late, as soon as t's
// function returns: they are to be cleaned up after by t.Cleanup, not by defer.
//
// A script that fails or has an error fails its subtest, with the report in its log; so
// does one that is still inconclusive after all reruns, see SkipInconclusive. What the stack
// doesn't support is skipped.
func Run(t *testing.T, pattern string, options ...Option) {
	t.Helper()
	if !hasMain.Load() {
		t.Fatal("this package's tests need func TestMain(m *testing.M) { drilltest.Main(m) }")
	}
	c, err := newConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	base, paths, err := find(pattern)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := suite.Tasks(paths, c.versions)
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) == 0 {
		t.Fatalf("%s: no script is for %v", pattern, c.versions)
	}
	b := newBatch(t, c)
	for _, task := range tasks {
		for _, stack := range c.stacks {
			name := path.Join(short(base, task.Name), string(task.Version))
			if len(c.stacks) > 1 {
				name = path.Join(name, stack)
			}
			t.Run(name, func(t *testing.T) {
				one := b.enter(stack, task)
				t.Parallel() // waits until all that are to run have entered
				b.start()
				one.report(t, c)
			})
		}
	}
}
