package kernel

import (
	"os"
	"path/filepath"
	"testing"
)

// Both versions of cgroups say how much of the processors a process may use, itself or above it.
func TestQuota(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"cpu.max":                                 "max 100000\n",
		"pod/cpu.max":                             "200000 100000\n",
		"pod/container/cpu.max":                   "max 100000\n",
		"user/cpu.max":                            "max 100000\n",
		"cpu,cpuacct/cpu.cfs_quota_us":            "-1\n",
		"cpu,cpuacct/docker/cpu.cfs_quota_us":     "-1\n",
		"cpu,cpuacct/docker/own/cpu.cfs_quota_us": "50000\n",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for own, want := range map[string]bool{
		"":                   false,
		"0::/\n":             false,
		"0::/user\n":         false,
		"0::/pod\n":          true,
		"0::/pod/container":  true,
		"0::/elsewhere/else": false,
		"0::/\n5:memory:/docker/own\n4:cpu,cpuacct:/docker/own\n": true,
		"4:cpu,cpuacct:/docker\n3:cpuset:/docker/own\n":           false,
	} {
		if got := quotaIn(root, own); got != want {
			t.Errorf("%q: %v, want %v", own, got, want)
		}
	}
}
