package drilltest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tcpdrill/engine/suite"
)

// find returns the scripts and folders of scripts that a pattern names, and the folder
// below which all are.
func find(pattern string) (base string, paths []string, err error) {
	info, err := os.Stat(pattern)
	switch {
	case err == nil && info.IsDir():
		return pattern, []string{pattern}, nil
	case err == nil:
		return filepath.Dir(pattern), []string{pattern}, nil
	}
	all, globErr := filepath.Glob(pattern)
	if globErr != nil {
		return "", nil, fmt.Errorf("%s: %w", pattern, globErr)
	}
	for _, name := range all {
		// What else lies there is no script.
		if files, err := suite.Find([]string{name}); err == nil && strings.HasSuffix(files[0], ".pkt") {
			paths = append(paths, name)
		}
	}
	if len(paths) == 0 {
		return "", nil, fmt.Errorf("%s: no scripts", pattern)
	}
	return fixed(pattern), paths, nil
}

// fixed is the part of a glob that all it matches have in common, a folder.
func fixed(glob string) string {
	special := `*?[\`
	if filepath.Separator == '\\' {
		special = `*?[`
	}
	for strings.ContainsAny(glob, special) {
		glob = filepath.Dir(glob)
	}
	return glob
}

// short is what a script is called in a subtest's name.
func short(base, name string) string {
	if rel, err := filepath.Rel(base, name); err == nil {
		name = rel
	}
	return filepath.ToSlash(name)
}
