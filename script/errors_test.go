package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrors renders what is wrong with each script in testdata/errors.
func TestErrors(t *testing.T) {
	paths, err := filepath.Glob("testdata/errors/*.pkt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		_, errs := Vet(name, src, nil, Setting{})
		if len(errs) == 0 {
			t.Errorf("%s: no error", path)
		}
		for _, e := range errs {
			if e.Pos.Filename != name || e.Pos.Line < 1 || e.End.Offset < e.Pos.Offset {
				t.Errorf("%s: bad place %v to %v", path, e.Pos, e.End)
			}
		}
		golden(t, strings.TrimSuffix(path, ".pkt")+".golden", errs.Render(src))
	}
}
