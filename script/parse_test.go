package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the .pkt files below the folders in TCPDRILL_CORPUS.
func corpus(t testing.TB) []string {
	t.Helper()
	folders := os.Getenv("TCPDRILL_CORPUS")
	if folders == "" {
		t.Skip("TCPDRILL_CORPUS isn't set to folders with .pkt files")
	}
	var files []string
	for _, folder := range filepath.SplitList(folders) {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".pkt") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// corpusDefines are the symbols that the runners of packetdrill's own scripts define.
var corpusDefines = Defines{
	"TFO_COOKIE":        "3021b9d889017eeb",
	"TFO_COOKIE_ZERO":   "b7c12350a90dc8f5",
	"CODE":              "host_unreachable",
	"CMSG_LEVEL_IP":     "SOL_IP",
	"CMSG_TYPE_RECVERR": "IP_RECVERR",
	"MSS":               "1460",
}

func TestParseCorpus(t *testing.T) {
	for _, path := range corpus(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(path, src, corpusDefines); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	type file struct {
		name string
		src  []byte
	}
	var files []file
	var size int64
	for _, path := range corpus(b) {
		src, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, file{path, src})
		size += int64(len(src))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range files {
			if _, err := Parse(f.name, f.src, corpusDefines); err != nil {
				b.Fatal(err)
			}
		}
	}
}
