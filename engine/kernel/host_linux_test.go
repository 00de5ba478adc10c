package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/shell"
)

// setUp gives the device what scripts' networks have.
const setUp = "ip link set dev tun0 up; ip addr add 192.168.0.1/16 dev tun0; ip -6 addr add fd3d::1/16 dev tun0 nodad"

// changes are commands that have a network's state as their effect.
var changes = []string{
	"ip link set dev tun0 mtu 1400 txqueuelen 0",
	"ip link set tun0 gso_max_size 3000 gso_max_segs 2",
	"ip link set dev tun0 mtu 1",
	"ip link set dev tun0 down",
	"ip link set dev tun0 up",
	"ip addr add 10.0.0.1/8 dev tun0",
	"ip addr add 10.0.0.1/8 dev tun0",
	"ip addr replace 10.0.0.1/8 dev tun0",
	"ip addr del 10.0.0.2/8 dev tun0",
	"ip addr del 10.0.0.1/8 dev tun0",
	"ip -6 addr add fd3e::1/64 dev tun0 nodad",
	"ip addr flush to 192.168.0.0/24 dev tun0",
	"ip addr add 192.168.0.1/16 dev tun0",

	"ip route add 192.0.2.0/24 via 192.168.0.2",
	"ip route add 192.0.2.0/24 via 192.168.0.2",
	"ip route change 192.0.2.1 via 192.168.0.2 dev tun0",
	"ip route change 192.0.2.0/24 via 192.168.0.2 dev tun0 advmss 1460 mtu lock 1500",
	"ip route replace 192.0.2.0/24 dev tun0 rto_min 5ms rtt 100ms rttvar 7ms initcwnd 20 initrwnd 4 cwnd 3 quickack 1",
	"ip route replace 192.0.2.0/24 dev tun0 congctl reno features ecn ssthresh lock 5 reordering 9 window 4000 src 192.168.0.1",
	"ip route append 192.0.2.0/24 via 192.168.0.3 metric 7",
	"ip route add 198.51.100.7 via 203.0.113.1 dev tun0 onlink scope global proto static",
	"ip route add blackhole 203.0.113.0/24",
	"ip route add unreachable 203.0.113.128/25 metric 3",
	"ip route add local 203.0.113.9 dev tun0",
	"ip route add default via 192.168.0.2",
	"ip route del 10.0.0.0/8",
	"ip route del default",
	"ip route add 1.2.3.4 via 9.9.9.9",
	"ip route flush 203.0.113.0/24",
	"ip -6 route add 2001:db8::1 via fd3d:fa7b::0 dev tun0 advmss 1480 mtu lock 1520",
	"ip -6 route replace default dev tun0 metric 5 hoplimit 3",
	"ip route add 198.18.0.0/16 via inet6 fd3d::2 dev tun0",
	"ip -6 route del 2001:db8::1",

	"tc qdisc add dev tun0 root pfifo",
	"tc qdisc add dev tun0 root pfifo",
	"tc qdisc replace dev tun0 root pfifo limit 0",
	"tc qdisc change dev tun0 root pfifo limit 7",
	"tc qdisc replace dev tun0 root handle 5: bfifo limit 3000",
	"tc qdisc del dev tun0 root",
	"tc qdisc del dev tun0 root",
	"tc qdisc replace dev tun0 root fq flow_limit 5 limit 1000 nopacing quantum 3000",
	"tc qdisc replace dev tun0 root fq_codel limit 9 noecn flows 32 quantum 1500",
	"tc qdisc replace dev tun0 root noqueue",
	"tc qdisc add dev nowhere0 root pfifo",

	"ethtool -K tun0 tso off gso off",
	"ethtool -K tun0 tso on",
	"ethtool -K tun0 gso on gro off sg on",
	"ethtool -K tun0 tx-tcp6-segmentation off",
	"ethtool -K tun0 rxvlan on",
	"ethtool -K tun0 rxvlan off",

	"sysctl -q net.ipv4.tcp_rmem='4096 540000 15728640'",
	"sysctl net.ipv4.tcp_rmem net.ipv4.tcp_fastopen",
	"sysctl -w net.ipv4.tcp_fastopen=0x70403",
	"sysctl -q net.ipv4.tcp_sack=nonsense",
	"sysctl -q net.ipv4.tcp_nonsense=1",
	"sysctl -q net.ipv4.tcp_available_congestion_control=cubic 2>/dev/null",
	"echo 0 > /proc/sys/net/ipv4/tcp_timestamps; cat /proc/sys/net/ipv4/tcp_timestamps",
}

// shows is how the real programs show what a command changed.
var shows = map[string][]string{
	"ip":      {"ip -o link show dev tun0", "ip -o addr show", "ip route show table all", "ip -6 route show table all"},
	"tc":      {"tc qdisc show dev tun0"},
	"ethtool": {"ethtool -k tun0"},
	"sysctl":  {"sysctl -a --pattern ipv4.tcp_"},
}

// realRun runs a command by the real shell and programs.
func realRun(command string) (int, string) {
	cmd := exec.Command("/bin/sh", "-c", command)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// transcript tells what commands did.
func transcript(emit func([]byte), run func(command string) (int, string)) {
	realRun(setUp)
	for _, command := range changes {
		exit, out := run(command)
		program, _, _ := strings.Cut(command, " ")
		if exit != 0 || program != "sysctl" {
			out = "" // messages are worded differently
		}
		emit(fmt.Appendf(nil, "$ %s\n[%v] %s", command, exit == 0, out))
		for _, show := range shows[program] {
			_, out := realRun(show)
			emit([]byte(out))
		}
	}
}

func init() {
	jobs["host-real"] = func(t *Target, _ string, emit func([]byte)) error {
		transcript(emit, realRun)
		return nil
	}
	jobs["host-ours"] = func(t *Target, _ string, emit func([]byte)) error {
		o := shell.Options{Dir: "/", State: &shell.State{}, NoExec: true}
		transcript(emit, func(command string) (int, string) {
			exit, out, err := shell.Run(context.Background(), &host{}, o, command)
			if _, failed := err.(*shell.ExitError); err != nil && !failed {
				return exit, err.Error()
			}
			return exit, string(out)
		})
		return nil
	}
}

// settled returns a transcript's lines without what differs each time:
// handles that the kernel chooses, and link-local addresses with their routes,
// which are random and come in the background.
func settled(transcript string) []string {
	transcript = regexp.MustCompile(`qdisc (\w+) [89a-f]\w+:`).ReplaceAllString(transcript, "qdisc $1 X:")
	return slices.DeleteFunc(strings.Split(transcript, "\n"), func(line string) bool {
		return strings.Contains(line, "fe80:")
	})
}

// Built-in commands do what the real ones do.
func TestHostCommands(t *testing.T) {
	for _, program := range []string{"ip", "tc", "ethtool", "sysctl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("nothing to compare with:", err)
		}
	}
	everywhere(t, func(t *testing.T) {
		// On a busy machine the kernel may be late with what it does in the
		// background, such as an address's route: then they are compared again.
		var difference string
		for range 3 {
			want, err := run(t, "host-real")
			if err != nil {
				t.Fatal(err)
			}
			got, err := run(t, "host-ours")
			if err != nil {
				t.Fatal(err)
			}
			if difference = firstDifference(settled(got), settled(want)); difference == "" {
				return
			}
		}
		t.Error(difference)
	})
}

// firstDifference says where two transcripts part.
func firstDifference(got, want []string) string {
	command := ""
	for i := 0; i < len(got) && i < len(want); i++ {
		if strings.HasPrefix(want[i], "$ ") {
			command = want[i]
		}
		if got[i] != want[i] {
			return fmt.Sprintf("%s\ngot  %s\nwant %s", command, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d lines, want %d", len(got), len(want))
	}
	return ""
}

func init() {
	jobs["host-congestion"] = func(t *Target, _ string, emit func([]byte)) error {
		// A file that only the machine's root may write stands in for a sysctl
		// that refuses, which the machine's own may not do.
		err := unix.Mount("/proc/sys/kernel/dmesg_restrict", engine.SysctlPath(congestionControl), "", unix.MS_BIND, "")
		if err != nil {
			return err
		}
		var told []string
		h := &host{setCongestion: func(name string) { told = append(told, name) }}
		available, err := h.Sysctl(availableCongestions)
		if err != nil {
			return err
		}
		name := strings.Fields(available)[0]
		for range 2 {
			if err := h.SetSysctl(congestionControl, name); err != nil {
				return err
			}
		}
		if got, err := h.Sysctl(congestionControl); got != name || err != nil {
			return fmt.Errorf("set to %s, got %s, %v", name, got, err)
		}
		if err := h.SetSysctl(congestionControl, "no-such-thing"); !errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("setting nonsense: %v", err)
		}
		// Once the sysctl takes it, the sockets needn't be given it.
		if err := unix.Unmount(engine.SysctlPath(congestionControl), unix.MNT_DETACH); err != nil {
			return err
		}
		if err := h.SetSysctl(congestionControl, "reno"); err != nil { // everybody may
			return err
		}
		if got, err := h.Sysctl(congestionControl); got != "reno" || err != nil {
			return fmt.Errorf("set to reno, got %s, %v", got, err)
		}
		if err := h.SetSysctl(congestionControl, "no-such-thing"); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("setting nonsense: %v", err)
		}
		if !slices.Equal(told, []string{name, ""}) {
			return fmt.Errorf("told of %q", told)
		}
		return nil
	}
}

// A congestion control that a namespace may not have is given to its sockets.
func TestRefusedCongestionControl(t *testing.T) {
	needKernel(t)
	alwaysUserNamespace = true
	defer func() { alwaysUserNamespace = false }()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	if _, err := run(t, "host-congestion"); err != nil {
		t.Error(err)
	}
}

func init() {
	jobs["host-metrics"] = func(t *Target, _ string, emit func([]byte)) error {
		return new(host).FlushTCPMetrics()
	}
}

// Where there is nothing to forget, it may be forgotten without privileges.
func TestFlushTCPMetrics(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		if _, err := run(t, "host-metrics"); err != nil {
			t.Error(err)
		}
	})
}

func init() {
	jobs["host-counters"] = func(t *Target, _ string, emit func([]byte)) error {
		list, err := new(host).SNMP()
		if err != nil {
			return err
		}
		for _, c := range list {
			emit(fmt.Appendf(nil, "%s%s %d", c.Group, c.Name, int64(c.Value)))
		}
		return nil
	}
}

func TestSNMP(t *testing.T) {
	needKernel(t)
	out, err := run(t, "host-counters")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TcpMaxConn -1\n", "TcpExtTCPTimeouts 0\n", "\nTcpOutRsts 0\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if strings.Index(out, "TcpOutRsts") > strings.Index(out, "TcpExtTCPTimeouts") {
		t.Error("the groups aren't in nstat's order")
	}
}

func TestParseCounters(t *testing.T) {
	pairs := parsePairs("Tcp: MaxConn OutRsts\nTcp: -1 5\nUdp: A B\nUdp: 1\nIpExt: X\nIpExt: 18446744073709551615\n")
	want := []engine.Counter{{Group: "Tcp", Name: "MaxConn", Value: 1<<64 - 1}, {Group: "Tcp", Name: "OutRsts", Value: 5}, {Group: "IpExt", Name: "X", Value: 1<<64 - 1}}
	if !slices.Equal(pairs, want) {
		t.Errorf("got %v", pairs)
	}
	lines := parseLines("Ip6InReceives                   \t5\nUdpLite6InErrors\t0\n\n")
	want = []engine.Counter{{Group: "Ip6", Name: "InReceives", Value: 5}, {Group: "UdpLite6", Name: "InErrors", Value: 0}}
	if !slices.Equal(lines, want) {
		t.Errorf("got %v", lines)
	}
}

// What tc sends for kinds that not every kernel has.
func TestQdiscOptions(t *testing.T) {
	for _, tt := range []struct{ kind, words, want string }{
		{"fq", "limit 1000 flow_limit 5 quantum 3000 initial_quantum 7 nopacing", "2c000200" +
			"08000100e8030000" + "0800020005000000" + "08000300b80b0000" + "0800040007000000" + "0800050000000000"},
		{"fq_codel", "limit 9 flows 32 quantum 1500 noecn", "24000200" +
			"0800020009000000" + "0800050020000000" + "08000600dc050000" + "0800040000000000"},
		{"pfifo", "limit 3", "0800020003000000"},
		{"pfifo", "", ""},
		{"pfifo", "limit", "unsupported"},
		{"fq", "limit", "unsupported"},
		{"fq", "maxrate 3mbit", "unsupported"},
		{"netem", "delay 10ms", "unsupported"},
	} {
		options, err := qdiscOptions(tt.kind, strings.Fields(tt.words))
		got := ""
		if _, ok := errors.AsType[*engine.UnsupportedError](err); ok {
			got = "unsupported"
		} else if options != nil {
			got = fmt.Sprintf("%x", options.Serialize())
		}
		if got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.kind, tt.words, got, tt.want)
		}
	}
}

func init() {
	jobs["host-benchmark"] = func(t *Target, n string, emit func([]byte)) error {
		runs, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		var commands strings.Builder
		commands.WriteString("ip tcp_metrics flush all > /dev/null 2>&1\n")
		for _, s := range []string{
			"tcp_rmem='4096 540000 15728640'", "tcp_wmem='4096 262144 4194304'", "tcp_timestamps=1",
			"tcp_syn_retries=5", "tcp_synack_retries=5", "tcp_frto=2", "tcp_sack=1", "tcp_dsack=1", "tcp_fack=0",
			"tcp_reordering=3", "tcp_congestion_control=reno", "tcp_slow_start_after_idle=0", "tcp_early_retrans=4",
			"tcp_recovery=1", "tcp_tso_win_divisor=3", "tcp_ecn=0", "tcp_pacing_ss_ratio=200",
			"tcp_pacing_ca_ratio=120", "tcp_fastopen=0x70403", "tcp_syncookies=1",
		} {
			commands.WriteString("sysctl -q net.ipv4." + s + "\n")
		}
		commands.WriteString("tc qdisc replace dev tun0 root pfifo\n")
		start := time.Now()
		for range runs {
			exit, out, err := shell.Run(context.Background(), &t.host, shell.Options{Dir: "/"}, commands.String())
			if exit != 0 || err != nil {
				return fmt.Errorf("status %d, %w: %s", exit, err, out)
			}
		}
		emit(strconv.AppendInt(nil, int64(time.Since(start)), 10))
		return nil
	}
}

// The commands that suites start each script with.
func BenchmarkDefaults(b *testing.B) {
	needKernel(b)
	out, err := run(b, fmt.Sprint("host-benchmark ", b.N))
	if err != nil {
		b.Fatal(err)
	}
	ns, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(ns/float64(b.N), "ns/op") // without the worker's start
}

func TestExec(t *testing.T) {
	dir := t.TempDir()
	script := dir + "/script"
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$1 $X\"; pwd; cat; echo err >&2; exit 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/data", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/bin:/usr/bin", "X=y"}
	h := &host{}
	for _, tt := range []struct {
		args []string
		exit int
		out  string
		err  error
	}{
		{args: []string{"./script", "a"}, exit: 4, out: "a y\n" + dir + "\ninput\nerr\n"},
		{args: []string{"sh", "-c", "kill -TERM $$"}, exit: 128 + 15},
		{args: []string{"no-such-program"}, err: os.ErrNotExist},
		{args: []string{"./nothing"}, err: os.ErrNotExist},
		{args: []string{"./data"}, err: os.ErrPermission},
		{args: []string{"."}, err: os.ErrNotExist},
		// One that stays behind doesn't keep us, though it has the output open.
		{args: []string{"sh", "-c", "sleep 60 & echo $!"}, out: "PID\n"},
	} {
		var out bytes.Buffer
		exit, err := h.Exec(t.Context(), &engine.ExecCommand{
			Args: tt.args, Env: env, Dir: dir,
			Stdin: strings.NewReader("input\n"), Stdout: &out, Stderr: &out,
		})
		got := out.String()
		if tt.out == "PID\n" && err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(got))
			if err != nil {
				t.Fatal(err)
			}
			if p, err := os.FindProcess(pid); err == nil {
				p.Kill()
			}
			got = "PID\n"
		}
		if exit != tt.exit || got != tt.out || !errors.Is(err, tt.err) {
			t.Errorf("%q: got %d, %q, %v", tt.args, exit, got, err)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Exec(ctx, &engine.ExecCommand{Args: []string{"sleep", "60"}, Env: env}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func init() {
	jobs["host-defaults"] = func(t *Target, _ string, emit func([]byte)) error {
		h := &host{setCongestion: t.SetCongestionControl}
		for _, s := range Defaults() {
			if err := h.SetSysctl(s.Name, s.Value); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		return nil
	}
}

func TestDefaults(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		if _, err := run(t, "host-defaults"); err != nil {
			t.Error(err)
		}
	})
}
