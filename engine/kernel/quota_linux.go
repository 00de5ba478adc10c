package kernel

import (
	"os"
	"path/filepath"
	"strings"
)

// hasQuota reports whether this process, and those beside it in its cgroup, may use processors
// for a part of the time only: what one of them uses, others go without.
func hasQuota() bool {
	own, err := os.ReadFile("/proc/self/cgroup")
	return err == nil && quotaIn("/sys/fs/cgroup", string(own))
}

// quotaIn is hasQuota of a process whose /proc/self/cgroup is own, with cgroups mounted at root:
// version 2's cpu.max, and version 1's cpu.cfs_quota_us, of its cgroup and all above it. In a
// container the uppermost is its own.
func quotaIn(root, own string) bool {
	for line := range strings.Lines(own) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, file, unlimited := "", "cpu.max", "max"
		for controller := range strings.SplitSeq(parts[1], ",") {
			if controller == "cpu" {
				dir, file, unlimited = parts[1], "cpu.cfs_quota_us", "-1"
			}
		}
		if dir == "" && parts[1] != "" {
			continue // not the hierarchy of processors
		}
		for path := filepath.Clean("/" + parts[2]); ; path = filepath.Dir(path) {
			limit, err := os.ReadFile(filepath.Join(root, dir, path, file))
			if fields := strings.Fields(string(limit)); err == nil && len(fields) > 0 && fields[0] != unlimited {
				return true
			}
			if path == "/" {
				break
			}
		}
	}
	return false
}
