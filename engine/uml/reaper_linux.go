package uml

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The first process of a guest dies with the thread that started it. Its
// children die with it if the kernel sees to that, which Linux 6.1 doesn't:
// they would be let go, and run on as processes of the host. So a reaper, this
// program once more, waits for the end of this process, however it comes, and
// kills what is left of the guests' process groups.

// reaperEnv marks a reaper.
const reaperEnv = "TCPDRILL_REAPER"

// reaper is the pipe to the reaper, which starts with the first guest; nil if it
// couldn't be started. Nobody else has that end: it closes when this process
// ends.
var reaper = sync.OnceValue(func() *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer null.Close()
	p, err := os.StartProcess("/proc/self/exe", os.Args[:1], &os.ProcAttr{
		Dir:   "/",
		Env:   []string{reaperEnv + "=1"},
		Files: []*os.File{r, null, null},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		w.Close()
		return nil
	}
	p.Release()
	return w
})

// tellReaper tells the reaper of a guest that has started ('+') or that is gone
// ('-').
func tellReaper(what byte, pid int) {
	if w := reaper(); w != nil {
		fmt.Fprintf(w, "%c%d\n", what, pid)
	}
}

// reap is a reaper: it reads what tellReaper writes, to its end.
func reap(from io.Reader) {
	groups := map[int]bool{}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		text := lines.Text()
		pid, err := strconv.Atoi(strings.TrimLeft(text, "+-"))
		if err == nil && pid > 1 {
			groups[pid] = text[0] == '+'
		}
	}
	for pid, left := range groups {
		if left {
			unix.Kill(-pid, unix.SIGKILL)
		}
	}
}
