package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tcpdrill/engine/kernel"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/uml/kernels"
)

// The scripts under testdata run the program itself, under both its names.
// UPDATE=1 rewrites what they expect.
func TestMain(m *testing.M) {
	stacks.Main()
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
	built := builtKernel(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("UML", "uml:"+built)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			return cond == "kernel" && why == nil || cond == "uml" && built != "", nil
		},
	})
}

// builtKernel returns the path of the kernel that $TCPDRILL_UML names, or of one
// that was built, since the tests have caches of their own; "" if there is none.
func builtKernel(t *testing.T) string {
	name := os.Getenv("TCPDRILL_UML")
	if all, err := kernels.List(); name == "" && err == nil && len(all) > 0 {
		name = all[0].Name
	}
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	program, err := kernels.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	return program
}
