package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
)

// The scripts under testdata run the program itself, under both its names.
// UPDATE=1 rewrites what they expect.
func TestMain(m *testing.M) {
	kernelstack.Main()
	testscript.Main(m, map[string]func(){
		"tcpdrill":    func() { os.Exit(run(append([]string{"tcpdrill"}, os.Args[1:]...), os.Stdout, os.Stderr)) },
		"packetdrill": func() { os.Exit(run(append([]string{"packetdrill"}, os.Args[1:]...), os.Stdout, os.Stderr)) },
	})
}

func TestCommand(t *testing.T) {
	why := kernel.Available()
	if why != nil && os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
		t.Fatalf("the kernel can't be drilled: %v", why)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Condition: func(cond string) (bool, error) {
			return cond == "kernel" && why == nil, nil
		},
	})
}
