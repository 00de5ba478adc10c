package suite

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Shard is one of several parts of a suite, which run in as many places.
type Shard struct {
	Index int // from 1
	Count int // 0: there is one part, the whole
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// ParseShard returns the shard of an option's value: "2/4" is the second of four,
// "auto/4" the one of a Kubernetes indexed job that JOB_COMPLETION_INDEX tells.
// Without a value it is what Bazel tells of sharded tests, else the whole.
func ParseShard(value string, getenv func(string) string) (Shard, error) {
	if value == "" {
		return bazelShard(getenv)
	}
	wrong := fmt.Errorf("--shard: want I/N, as 2/4 for the second of four, or auto/N, got %s", value)
	index, count, ok := strings.Cut(value, "/")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 {
		return Shard{}, wrong
	}
	if index == "auto" {
		s, err := fromZero("JOB_COMPLETION_INDEX", n, getenv)
		if err != nil {
			return s, fmt.Errorf("--shard=%s: %w", value, err)
		}
		return s, nil
	}
	i, err := strconv.Atoi(index)
	if err != nil {
		return Shard{}, wrong
	}
	if i < 1 || i > n {
		return Shard{}, fmt.Errorf("--shard: want a shard from 1 to %d, got %s", n, value)
	}
	return Shard{i, n}, nil
}

// bazelShard is what Bazel tells, if it does, and tells Bazel that it was heard.
func bazelShard(getenv func(string) string) (Shard, error) {
	total := getenv("TEST_TOTAL_SHARDS")
	if total == "" {
		return Shard{}, nil
	}
	n, err := strconv.Atoi(total)
	if err != nil || n < 0 {
		return Shard{}, fmt.Errorf("TEST_TOTAL_SHARDS: want a number, got %s", total)
	}
	if n == 0 {
		return Shard{}, nil
	}
	s, err := fromZero("TEST_SHARD_INDEX", n, getenv)
	if err != nil {
		return s, err
	}
	if name := getenv("TEST_SHARD_STATUS_FILE"); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return s, fmt.Errorf("TEST_SHARD_STATUS_FILE: %w", err)
		}
		return s, f.Close()
	}
	return s, nil
}

// fromZero is the shard whose number from 0 a variable holds.
func fromZero(name string, n int, getenv func(string) string) (Shard, error) {
	value := getenv(name)
	if value == "" {
		return Shard{}, fmt.Errorf("%s isn't set", name)
	}
	i, err := strconv.Atoi(value)
	if err != nil || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("%s: want a number from 0 to %d, got %s", name, n-1, value)
	}
	return Shard{i + 1, n}, nil
}

// Of returns the shard's part of all tasks. Tasks are dealt like cards: neighbours,
// which are alike, go to different shards.
func (s Shard) Of(tasks []Task) []Task {
	if s.Count == 0 {
		return tasks
	}
	var out []Task
	for i := s.Index - 1; i < len(tasks); i += s.Count {
		out = append(out, tasks[i])
	}
	return out
}
