package shell

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// backquoted finds a script's commands.
var backquoted = regexp.MustCompile("`([^`]*)`")

// Every command of the suites, and the script that they share, is within what the interpreter
// can do.
func TestCorpus(t *testing.T) {
	folders := os.Getenv("TCPDRILL_CORPUS")
	if folders == "" {
		t.Skip("TCPDRILL_CORPUS names no folders with scripts")
	}
	commands := 0
	for _, folder := range filepath.SplitList(folders) {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			ext := filepath.Ext(name)
			if err != nil || d.IsDir() || ext != ".pkt" && d.Name() != "defaults.sh" {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			texts := []string{string(text)}
			if ext == ".pkt" {
				texts = nil
				for _, m := range backquoted.FindAllStringSubmatch(string(text), -1) {
					texts = append(texts, m[1])
				}
			}
			for _, text := range texts {
				commands++
				p, err := parse(name, text)
				if err != nil {
					t.Error(err)
				} else if p.beyond != "" {
					t.Errorf("%s: %q has %s", name, text, p.beyond)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Log(commands, "commands")
}

// BenchmarkDefaults runs a script of the size that suites start each of their
// scripts with.
func BenchmarkDefaults(b *testing.B) {
	h := newFakeHost()
	text := "#!/bin/bash\nip tcp_metrics flush all > /dev/null 2>&1\n"
	for i := range 30 {
		name := fmt.Sprintf("net.ipv4.tcp_setting_%d", i)
		h.sysctls[name] = "0"
		text += fmt.Sprintf("\n# What the setting does.\nsysctl -q %s=\"4096 %d $((%d*1024))\"\n", name, i, i)
	}
	text += "tc qdisc add dev tun0 root pfifo\n"
	o := options(h)
	o.ReadFile = func(name string) ([]byte, error) {
		if strings.HasSuffix(name, "/defaults.sh") {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("parsed=%t", cached), func(b *testing.B) {
			for b.Loop() {
				h.calls = h.calls[:0]
				if !cached {
					parses.m = nil
				}
				if exit, out, err := Run(b.Context(), h, o, "./defaults.sh"); exit != 0 || err != nil {
					b.Fatal(exit, string(out), err)
				}
			}
		})
	}
}
