package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Available returns nil if the kernel can be drilled here. Otherwise the error
// says what is missing and what to do about it. It starts a worker to find
// out, which takes some milliseconds: who wants a worker anyway asks that one,
// with Worker.Ready.
func Available() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w, err := Start(ctx)
	if err != nil {
		return err
	}
	defer w.Kill()
	defer w.socket.Close()
	return w.Ready()
}

// userNamespaceSettings are what can forbid a user namespace, with the value
// that does, and where each is found.
var userNamespaceSettings = []struct{ sysctl, forbids, allow string }{
	{"kernel.unprivileged_userns_clone", "0", "1"},             // Debian
	{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"}, // Ubuntu
	{"user.max_user_namespaces", "0", "10000"},                 // RHEL
	{"user.max_net_namespaces", "0", "10000"},
	{"user.max_mnt_namespaces", "0", "10000"},
	{"user.max_pid_namespaces", "0", "10000"},
}

// explain says what to do where namespaces were refused.
func explain(err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EINVAL) &&
		!errors.Is(err, unix.EACCES) {
		return err
	}
	for _, s := range userNamespaceSettings {
		file := "/proc/sys/" + strings.ReplaceAll(s.sysctl, ".", "/")
		if b, readErr := os.ReadFile(file); readErr == nil && strings.TrimSpace(string(b)) == s.forbids {
			return fmt.Errorf("%w: run as root, or `sysctl %s=%s`", err, s.sysctl, s.allow)
		}
	}
	return fmt.Errorf("%w: namespaces need root or user namespaces; in a container, run it with --cap-add=SYS_ADMIN --cap-add=NET_ADMIN or --privileged", err)
}
