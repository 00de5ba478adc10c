package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// All shards together are all tasks, none twice, and none has more than one more
// than another.
func TestShards(t *testing.T) {
	var tasks []Task
	for i := range 23 {
		tasks = append(tasks, Task{Name: fmt.Sprint(i)})
	}
	for n := 1; n < 30; n++ {
		var all []string
		for i := range n {
			part := Shard{i + 1, n}.Of(tasks)
			if len(part) < len(tasks)/n || len(part) > len(tasks)/n+1 {
				t.Errorf("shard %d/%d has %d of %d", i+1, n, len(part), len(tasks))
			}
			for _, task := range part {
				all = append(all, task.Name)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != len(tasks) {
			t.Errorf("%d shards have %d of %d", n, len(all), len(tasks))
		}
	}
	if got := (Shard{}).Of(tasks); len(got) != len(tasks) {
		t.Errorf("no shard has %d of %d", len(got), len(tasks))
	}
}

func TestParseShard(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	bazel := map[string]string{"TEST_TOTAL_SHARDS": "4", "TEST_SHARD_INDEX": "1", "TEST_SHARD_STATUS_FILE": status}
	for _, c := range []struct {
		value string
		env   map[string]string
		want  string // "0/0" is the whole
	}{
		{"", nil, "0/0"},
		{"1/1", nil, "1/1"},
		{"2/4", bazel, "2/4"},
		{"", bazel, "2/4"},
		{"", map[string]string{"TEST_TOTAL_SHARDS": "0"}, "0/0"},
		{"auto/3", map[string]string{"JOB_COMPLETION_INDEX": "2"}, "3/3"},
		{"auto/3", map[string]string{"JOB_COMPLETION_INDEX": "3"}, "--shard=auto/3: JOB_COMPLETION_INDEX: want a number from 0 to 2, got 3"},
		{"auto/3", nil, "--shard=auto/3: JOB_COMPLETION_INDEX isn't set"},
		{"", map[string]string{"TEST_TOTAL_SHARDS": "4"}, "TEST_SHARD_INDEX isn't set"},
		{"", map[string]string{"TEST_TOTAL_SHARDS": "many"}, "TEST_TOTAL_SHARDS: want a number, got many"},
		{"0/4", nil, "--shard: want a shard from 1 to 4, got 0/4"},
		{"5/4", nil, "--shard: want a shard from 1 to 4, got 5/4"},
		{"2", nil, "--shard: want I/N, as 2/4 for the second of four, or auto/N, got 2"},
		{"2/0", nil, "--shard: want I/N, as 2/4 for the second of four, or auto/N, got 2/0"},
		{"a/b", nil, "--shard: want I/N, as 2/4 for the second of four, or auto/N, got a/b"},
	} {
		s, err := ParseShard(c.value, func(name string) string { return c.env[name] })
		got := s.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.value, c.env, got, c.want)
		}
	}
	if _, err := os.Stat(status); err != nil {
		t.Errorf("Bazel isn't told that we shard: %v", err)
	}
}
