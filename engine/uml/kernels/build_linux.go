package kernels

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed config
var fragment []byte

// required are options of the fragment without which a kernel can't be drilled.
var required = []string{
	"UML_TIME_TRAVEL_SUPPORT", "HOSTFS", "SSL", "NO_HZ_IDLE", "HIGH_RES_TIMERS", "NET_NS", "PID_NS",
	"TUN", "PACKET", "INET", "IPV6", "PROC_SYSCTL", "TMPFS", "DEVTMPFS",
}

// usualSteps is how many steps a build has, more or less (6.12). make doesn't
// know beforehand either.
const usualSteps = 1480

// A Build says what to build.
type Build struct {
	Source string // a kernel tree, or a tarball of one
	Name   string // of the kernel; "" is its version without the last part: 6.12
	HZ     int    // of its timer; 0 is 1000
	Jobs   int    // processes at a time; 0: one more than there are processors

	// Progress is told what is being done, and how far it has come, from 0 to
	// 1; -1 if that can't be told.
	Progress func(what string, part float64)
}

// Run builds the kernel, out of its tree, which is left as it is, and installs
// it in the place of one of the same name. If it fails, or ctx ends, nothing has
// changed. Errors say what is missing, or what the compiler said.
func (b Build) Run(ctx context.Context) (Kernel, error) {
	if b.HZ == 0 {
		b.HZ = 1000
	}
	if b.HZ < 100 || b.HZ > 1000 {
		return Kernel{}, fmt.Errorf("HZ %d: want 100 to 1000", b.HZ)
	}
	if strings.ContainsAny(b.Name, "/\\ \t") || strings.HasPrefix(b.Name, ".") {
		return Kernel{}, fmt.Errorf("name %q: want one word, without slashes", b.Name)
	}
	if b.Jobs == 0 {
		b.Jobs = runtime.NumCPU() + 1
	}
	if b.Progress == nil {
		b.Progress = func(string, float64) {}
	}
	info, err := os.Stat(b.Source)
	if err != nil {
		return Kernel{}, err
	}
	if err := needTools(!info.IsDir(), b.Source); err != nil {
		return Kernel{}, err
	}
	scratch, err := NewScratch("build")
	if err != nil {
		return Kernel{}, err
	}
	if strings.ContainsAny(scratch.Dir, " \t\n:'\"$") {
		scratch.Remove()
		return Kernel{}, fmt.Errorf("a kernel can't be built in %s, since make can't take that name: set $XDG_CACHE_HOME", filepath.Dir(scratch.Dir))
	}
	defer scratch.Remove()
	// Commands are told when the thread ends that started them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := &building{Build: b, ctx: ctx, dir: scratch.Dir}
	k, err := w.run(info.IsDir())
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return k, err
}

// tools are what a build runs, and Debian's package of each.
var tools = []struct{ program, pkg string }{
	{"make", "make"}, {"gcc", "gcc"}, {"ld", "binutils"}, {"strip", "binutils"},
	{"flex", "flex"}, {"bison", "bison"}, {"bc", "bc"}, {"perl", "perl"},
}

// unpackers are what tar runs for a tarball, by how its name ends.
var unpackers = []struct{ suffix, program, pkg string }{
	{".xz", "xz", "xz-utils"}, {".txz", "xz", "xz-utils"}, {".gz", "gzip", "gzip"}, {".tgz", "gzip", "gzip"},
	{".bz2", "bzip2", "bzip2"}, {".zst", "zstd", "zstd"},
}

// needTools looks for all that a build runs.
func needTools(tarball bool, source string) error {
	need := tools
	if tarball {
		need = append(need[:len(need):len(need)], struct{ program, pkg string }{"tar", "tar"})
		for _, u := range unpackers {
			if strings.HasSuffix(source, u.suffix) {
				need = append(need, struct{ program, pkg string }{u.program, u.pkg})
			}
		}
	}
	var missing, pkgs []string
	for _, t := range need {
		if _, err := exec.LookPath(t.program); err != nil {
			missing = append(missing, t.program)
			pkgs = append(pkgs, t.pkg)
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("building a kernel needs %s: on Debian, `apt-get install %s libc6-dev`",
		strings.Join(missing, ", "), strings.Join(pkgs, " "))
}

// building is a build on its way, in its scratch folder.
type building struct {
	Build
	ctx context.Context
	dir string
	cc  string // the compiler; "" for the usual one
}

func (w *building) run(isDir bool) (Kernel, error) {
	source, err := w.source(isDir)
	if err != nil {
		return Kernel{}, err
	}
	k, err := versionOf(source)
	if err != nil {
		return k, fmt.Errorf("%s: %w", w.Source, err)
	}
	k.HZ, k.Virtual = w.HZ, true
	if k.Name = w.Name; k.Name == "" {
		k.Name = strings.Join(strings.SplitN(k.Version, ".", 3)[:2], ".")
		if w.HZ != 1000 {
			k.Name += fmt.Sprintf("-hz%d", w.HZ)
		}
	}
	if err := w.edit(source); err != nil {
		return k, err
	}
	if err := w.configure(source); err != nil {
		return k, err
	}
	if err := w.compile(source); err != nil {
		return k, err
	}
	finished := filepath.Join(w.dir, "finished")
	if err := os.Mkdir(finished, 0o755); err != nil {
		return k, err
	}
	program := filepath.Join(finished, programName)
	w.Progress("stripping", -1)
	if out, err := w.command("strip", "-o", program, filepath.Join(w.out(), "linux")).CombinedOutput(); err != nil {
		return k, failedCommand("strip", out, err)
	}
	stat, err := os.Stat(program)
	if err != nil {
		return k, err
	}
	k.Size, k.Built = stat.Size(), time.Now().UTC().Truncate(time.Second)
	return k, install(finished, k)
}

func (w *building) out() string { return filepath.Join(w.dir, "out") }

// source returns the kernel's tree: the one given, or the tarball's.
func (w *building) source(isDir bool) (string, error) {
	if isDir {
		return filepath.Abs(w.Source)
	}
	w.Progress("unpacking", -1)
	dir := filepath.Join(w.dir, "source")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	tarball, err := filepath.Abs(w.Source)
	if err != nil {
		return "", err
	}
	if out, err := w.command("tar", "-xf", tarball, "-C", dir, "--strip-components=1").CombinedOutput(); err != nil {
		return "", failedCommand("tar", out, err)
	}
	return dir, nil
}

var versionLine = regexp.MustCompile(`(?m)^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *=[ \t]*(\S*)[ \t]*$`)

// versionOf reads a tree's version and checks that it is a tree that can be
// built elsewhere.
func versionOf(source string) (Kernel, error) {
	b, err := os.ReadFile(filepath.Join(source, "Makefile"))
	if _, umErr := os.Stat(filepath.Join(source, "arch/um/Kconfig")); err != nil || umErr != nil {
		return Kernel{}, errors.New("not the source of a Linux kernel: want a tree, or a tarball of one, with arch/um")
	}
	part := map[string]string{}
	for _, m := range versionLine.FindAllSubmatch(b, -1) {
		if _, seen := part[string(m[1])]; !seen {
			part[string(m[1])] = string(m[2])
		}
	}
	if part["VERSION"] == "" || part["PATCHLEVEL"] == "" || part["SUBLEVEL"] == "" {
		return Kernel{}, errors.New("its Makefile gives no version")
	}
	for _, left := range []string{".config", "include/config"} {
		if _, err := os.Stat(filepath.Join(source, left)); err == nil {
			return Kernel{}, fmt.Errorf("this tree was configured in place (it has %s), and then can't be built elsewhere: `make mrproper` in it first (that removes its .config), or give a clean one", left)
		}
	}
	return Kernel{Version: part["VERSION"] + "." + part["PATCHLEVEL"] + "." + part["SUBLEVEL"] + part["EXTRAVERSION"]}, nil
}

// fpSize is what kernels before 6.13 take for the size of a processor's registers,
// in bytes: that of AVX-512. On a processor with more (AMX: 11008) their first
// process dies, "ptrace set fp regs failed, errno = 14". They may have room to spare.
var fpSize = regexp.MustCompile(`(DEFINE_LONGS\(HOST_FP_SIZE, *)2696\)`)

const (
	fpFile   = "arch/x86/um/user-offsets.c"
	fpEnough = "${1}16384)" // it takes half of a stack: see CONFIG_KERNEL_STACK_ORDER
)

// edit changes what must be changed in the source, but leaves the tree as it is: the
// compiler is given a copy.
func (w *building) edit(source string) error {
	text, err := os.ReadFile(filepath.Join(source, fpFile))
	if err != nil || !fpSize.Match(text) {
		return nil // another kernel: it knows better
	}
	copied := filepath.Join(w.dir, "user-offsets.c")
	if err := os.WriteFile(copied, fpSize.ReplaceAll(text, []byte(fpEnough)), 0o644); err != nil {
		return err
	}
	script := fmt.Sprintf(`#!/bin/sh
for arg; do
	shift
	case $arg in */%s) arg=%s ;; esac
	set -- "$@" "$arg"
done
exec gcc "$@"
`, fpFile, copied)
	w.cc = filepath.Join(w.dir, "cc")
	return os.WriteFile(w.cc, []byte(script), 0o755)
}

// configure makes the configuration.
func (w *building) configure(source string) error {
	w.Progress("configuring", -1)
	if err := os.Mkdir(w.out(), 0o755); err != nil {
		return err
	}
	// The first definition of a symbol gives its default, and arch/um/Kconfig
	// fixes HZ at 100 by one. So ours comes before it, and the tree stays as
	// it is.
	kconfig, err := os.ReadFile(filepath.Join(source, "Kconfig"))
	if err != nil {
		return err
	}
	title, rest, found := bytes.Cut(kconfig, []byte("\nmainmenu "))
	menu, rest, _ := bytes.Cut(rest, []byte("\n"))
	if !found {
		return fmt.Errorf("%s/Kconfig has no mainmenu", source)
	}
	ours := fmt.Sprintf("%s\nmainmenu %s\n\nconfig HZ\n\tint\n\tdefault %d\n%s", title, menu, w.HZ, rest)
	if err := os.WriteFile(w.kconfig(), []byte(ours), 0o644); err != nil {
		return err
	}
	all := filepath.Join(w.dir, "config")
	if err := os.WriteFile(all, fragment, 0o644); err != nil {
		return err
	}
	if out, err := w.make(source, "KCONFIG_ALLCONFIG="+all, "allnoconfig").CombinedOutput(); err != nil {
		return failedCommand("make allnoconfig", out, err)
	}
	config, err := os.ReadFile(filepath.Join(w.out(), ".config"))
	if err != nil {
		return err
	}
	want := []string{"HZ=" + strconv.Itoa(w.HZ)}
	for _, name := range required {
		want = append(want, name+"=y")
	}
	for _, option := range want {
		if !bytes.Contains(config, []byte("\nCONFIG_"+option+"\n")) {
			return fmt.Errorf("%s: this kernel can't have CONFIG_%s, which drills need", w.Source, option)
		}
	}
	return nil
}

func (w *building) kconfig() string { return filepath.Join(w.dir, "Kconfig") }

// compile makes the program.
func (w *building) compile(source string) error {
	w.Progress("compiling", 0)
	cmd := w.make(source, "-j"+strconv.Itoa(w.Jobs), "linux")
	r, pw := io.Pipe()
	cmd.Stdout, cmd.Stderr = pw, pw
	var last tail
	read := make(chan struct{})
	go func() {
		defer close(read)
		steps := 0
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Text()
			last.add(line)
			if strings.HasPrefix(line, "  ") {
				steps++
				w.Progress("compiling", min(float64(steps)/usualSteps, 0.99))
			}
		}
		io.Copy(io.Discard, r)
	}()
	err := cmd.Run()
	pw.Close()
	<-read
	if err != nil {
		return failedCommand("make", []byte(last.String()), err)
	}
	return nil
}

// make returns a make command in the build's folder. What the caller's
// environment says to other makes isn't meant for this one.
func (w *building) make(source string, args ...string) *exec.Cmd {
	args = append([]string{"-C", source, "O=" + w.out(), "ARCH=um", "KBUILD_KCONFIG=" + w.kconfig()}, args...)
	if w.cc != "" {
		args = append(args, "CC="+w.cc)
	}
	cmd := w.command("make", args...)
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "MAKE") && !strings.HasPrefix(name, "KBUILD_") && !strings.HasPrefix(name, "KCONFIG_") &&
			name != "ARCH" && name != "SUBARCH" && name != "CROSS_COMPILE" && name != "LANG" {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "KBUILD_BUILD_USER=tcpdrill", "KBUILD_BUILD_HOST=localhost")
	return cmd
}

// command is a command that goes with all it started when the build is
// interrupted. If this process is killed it is told to end, and make then ends
// its compilers.
func (w *building) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// failedCommand says how a command failed, with the end of what it printed.
func failedCommand(name string, out []byte, err error) error {
	var last tail
	for line := range strings.Lines(string(out)) {
		last.add(strings.TrimRight(line, "\n"))
	}
	return fmt.Errorf("%s: %w\n%s", name, err, last.String())
}

// A tail keeps the last lines.
type tail struct{ lines []string }

const tailLines = 25

func (t *tail) add(line string) {
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

func (t *tail) String() string { return strings.Join(t.lines, "\n") }
