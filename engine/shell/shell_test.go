package shell

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"tcpdrill/engine"
)

// scripts are the files that the commands of the tests find.
var scripts = map[string]string{
	"/suite/defaults.sh": "#!/bin/bash\nsysctl -q net.ipv4.tcp_sack=0\nsysctl -q net.ipv4.gone=1\nsysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"\n",
	"/suite/tcp/bad.sh":  "#!/bin/sh\nif\n",
	"/suite/tcp/args.sh": "echo \"$0 $# $1\"; exit 7\n",
	"/suite/tcp/tool.py": "#!/usr/bin/env python3\nprint(1)\n",
	"/suite/tcp/bg.sh":   "sleep 1 &\n",
	"/suite/tcp/odd.sh":  "sysctl -q net.odd.x=1\nsysctl -q net.ipv4.tcp_sack=0\n",
}

func readScript(name string) ([]byte, error) {
	if text, ok := scripts[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func options(h *fakeHost) Options {
	return Options{Dir: "/suite/tcp", PID: 42, Clock: h, ReadFile: readScript}
}

type commandTest struct {
	command     string
	calls       []string // of the host
	out         string
	exit        int
	unsupported string // part of its text
}

func (tt *commandTest) run(t *testing.T, host engine.Host, h *fakeHost) {
	t.Helper()
	exit, out, err := Run(t.Context(), host, options(h), tt.command)
	if exit != tt.exit || string(out) != tt.out {
		t.Errorf("got status %d and %q, want %d and %q", exit, out, tt.exit, tt.out)
	}
	if !slices.Equal(h.calls, tt.calls) {
		t.Errorf("got calls\n\t%s\nwant\n\t%s", strings.Join(h.calls, "\n\t"), strings.Join(tt.calls, "\n\t"))
	}
	unsupported, ok := errors.AsType[*engine.UnsupportedError](err)
	failed, _ := errors.AsType[*ExitError](err)
	switch {
	case tt.unsupported != "":
		if !ok || !strings.Contains(unsupported.What, tt.unsupported) {
			t.Errorf("got error %v, want one about %q", err, tt.unsupported)
		}
	case tt.exit == 0 && err != nil || tt.exit != 0 && (failed == nil || failed.Status != tt.exit):
		t.Errorf("got error %v with the status %d", err, exit)
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []commandTest{
		// sysctl
		{command: "sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_ecn=1",
			calls: []string{"net.ipv4.tcp_sack=0", "net.ipv4.tcp_ecn=1"}},
		{command: "sysctl -w net.ipv4.tcp_sack=0", calls: []string{"net.ipv4.tcp_sack=0"}, out: "net.ipv4.tcp_sack = 0\n"},
		{command: "sysctl net.ipv4.tcp_sack net/ipv4/tcp_ecn", out: "net.ipv4.tcp_sack = 1\nnet.ipv4.tcp_ecn = 2\n"},
		{command: "sysctl -n net.ipv4.tcp_rmem", out: "4096\t131072\t6291456\n"},
		{command: "sysctl -nw net.ipv4.tcp_sack=0", calls: []string{"net.ipv4.tcp_sack=0"}, out: "0\n"},
		{command: "sysctl -N net.ipv4.tcp_sack", out: "net.ipv4.tcp_sack\n"},
		{command: `/sbin/sysctl -q "net.ipv4.tcp_rmem = 1 2 3"`, calls: []string{"net.ipv4.tcp_rmem=1 2 3"}},
		{command: "sysctl net/ipv4/conf/eth0.1/forwarding", out: "net.ipv4.conf.eth0/1.forwarding = 0\n"},
		{command: "sysctl -q net.ipv4.gone=1; sysctl -e net.ipv4.gone",
			out: "sysctl: cannot stat /proc/sys/net/ipv4/gone: No such file or directory\n"},
		{command: "sysctl -q net.ipv4.tcp_sack=bad net.ipv4.tcp_ecn=1", exit: 1,
			calls: []string{"net.ipv4.tcp_ecn=1"},
			out:   "sysctl: setting key \"net.ipv4.tcp_sack\": Invalid argument\n"},
		// procps returns 0 for what nobody may write.
		{command: "sysctl -q net.core.rmem_max=5", out: "sysctl: setting key \"net.core.rmem_max\": it is read-only\n"},
		{command: "sysctl -q net.odd.x=1", exit: 1, unsupported: "sysctl net.odd.x",
			out: "sysctl: setting key \"net.odd.x\": sysctl net.odd.x is not supported here\n"},
		{command: "sysctl -a | grep tcp_sack", exit: 1, unsupported: "sysctl -a",
			out: "sh: the command sysctl -a is not supported here\n"},

		// Files of /proc/sys
		{command: `echo "1 2" > /proc/sys/net/ipv4/tcp_rmem && cat /proc/sys/net/ipv4/tcp_rmem`,
			calls: []string{"net.ipv4.tcp_rmem=1 2"}, out: "1 2\n"},
		{command: "echo bad > /proc/sys/net/ipv4/tcp_sack", exit: 1, out: "sh: echo: write error: Invalid argument\n"},
		{command: "echo 1 > /proc/sys/net/ipv4/gone", exit: 1, out: "open /proc/sys/net/ipv4/gone: No such file or directory\n"},
		{command: "printf '%d\\n' 3 > /proc/sys/net/ipv4/tcp_ecn", calls: []string{"net.ipv4.tcp_ecn=3"}},
		{command: "test -f /proc/sys/net/ipv4/tcp_sack && ! [ -e /proc/sys/net/ipv4/gone ]"},
		{command: `x=$(</proc/sys/net/ipv4/tcp_sack); [ "$x" = 1 ] && echo "is $x"`, out: "is 1\n"},

		// Files in memory
		{command: "dd if=/dev/zero bs=2 count=3 of=/tmp/f status=none && wc -c < /tmp/f && rm /tmp/f", out: "6\n"},
		{command: "echo abcdef | dd bs=1k count=1 2>&1 >/dev/null", out: "0+1 records in\n0+1 records out\n"},
		{command: "dd if=/gone of=/tmp/f", exit: 1, out: "dd: failed to open '/gone': No such file or directory\n"},
		{command: "dd bs=x", exit: 1, out: "dd: invalid number: 'x'\n"},
		{command: "rm /tmp/gone", exit: 127, unsupported: "the command rm /tmp/gone",
			out: "sh: the command rm /tmp/gone is not supported here\n"},

		// ip
		{command: "ip tcp_metrics flush all > /dev/null 2>&1", calls: []string{"flush"}},
		{command: "ip tcp_metrics flush", calls: []string{"flush"}},
		{command: "ip link set dev tun0 mtu 1400 txqueuelen 0 up", calls: []string{"link tun0 up=true qlen=0 mtu=1400 gso=0/0"}},
		{command: "ip l set tun0 down gso_max_size 3000 gso_max_segs 2", calls: []string{"link tun0 up=false mtu=0 gso=3000/2"}},
		{command: "ip link set dev tun0 mtu big", exit: 255, out: "ip link: \"mtu\" is wrong here\n"},
		{command: "ip addr add 10.0.0.1/8 dev tun0",
			calls: []string{"addr {Change:add Dev:tun0 Prefix:10.0.0.1/8 NoDAD:false}"}},
		{command: "ip -6 a del fd3d::1/64 dev tun0 nodad",
			calls: []string{"addr {Change:del Dev:tun0 Prefix:fd3d::1/64 NoDAD:true}"}},
		{command: "ip addr flush dev tun0",
			calls: []string{"addr {Change:flush Dev:tun0 Prefix:invalid Prefix NoDAD:false}"}},
		{command: "ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 1460 mtu lock 1500",
			calls: []string{"route {Change:change IPv6:false Dst:192.0.2.1/32 Type: Via:192.168.0.2 Dev:tun0 Src:invalid IP Table:0 Priority:0 Scope: Proto: OnLink:false Metrics:[{Name:advmss Value:1460 Text: Lock:false} {Name:mtu Value:1500 Text: Lock:true}]}"}},
		{command: "ip -6 route replace default dev tun0 metric 5 rto_min 5ms rtt 100ms rttvar 0.01s congctl reno features ecn",
			calls: []string{"route {Change:replace IPv6:true Dst:::/0 Type: Via:invalid IP Dev:tun0 Src:invalid IP Table:0 Priority:5 Scope: Proto: OnLink:false Metrics:[{Name:rto_min Value:5 Text: Lock:true} {Name:rtt Value:800 Text: Lock:false} {Name:rttvar Value:40 Text: Lock:false} {Name:congctl Value:0 Text:reno Lock:false} {Name:features Value:1 Text: Lock:false}]}"}},
		{command: "ip r add blackhole 10.1.2.3/8 table main",
			calls: []string{"route {Change:add IPv6:false Dst:10.0.0.0/8 Type:blackhole Via:invalid IP Dev: Src:invalid IP Table:254 Priority:0 Scope: Proto: OnLink:false Metrics:[]}"}},
		{command: "ip route flush cache"},
		{command: "ip route add 300.1.2.3 dev tun0", exit: 1, out: "Error: \"300.1.2.3\" isn't a prefix\n"},
		{command: "ip netns exec x true", exit: 127, unsupported: "ip netns exec",
			out: "sh: the command ip netns exec x true is not supported here\n"},

		// tc
		{command: "tc qdisc add dev tun0 root pfifo",
			calls: []string{"qdisc {Change:add Dev:tun0 Parent:root Handle: Kind:pfifo Options:[]}"}},
		{command: "tc qdisc delete dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 0",
			calls: []string{
				"qdisc {Change:del Dev:tun0 Parent:root Handle: Kind: Options:[]}",
				"qdisc {Change:add Dev:tun0 Parent:root Handle: Kind:pfifo Options:[limit 0]}",
			}},
		{command: "tc qdisc replace dev tun0 root handle 1: fq flow_limit 5",
			calls: []string{"qdisc {Change:replace Dev:tun0 Parent:root Handle:1: Kind:fq Options:[flow_limit 5]}"}},
		{command: "tc qdisc add dev busy0 root pfifo", exit: 2,
			calls: []string{"qdisc {Change:add Dev:busy0 Parent:root Handle: Kind:pfifo Options:[]}"},
			out:   "RTNETLINK answers: File exists\n"},
		{command: "tc qdisc add dev odd0 root pfifo", exit: 2, unsupported: "queueing",
			calls: []string{"qdisc {Change:add Dev:odd0 Parent:root Handle: Kind:pfifo Options:[]}"},
			out:   "RTNETLINK answers: a queueing discipline is not supported here\n"},

		// ethtool
		{command: "ethtool -K tun0 tso off gso off gro on", calls: []string{
			"tx-tcp-segmentation false", "tx-tcp6-segmentation false", "tx-generic-segmentation false", "rx-gro true"}},
		{command: "ethtool -K tun0 rx on", exit: 1, out: "Could not change any device features\n"},
		{command: "ethtool -K tun0 rx off"},
		{command: "ethtool -K tun0 blah on", exit: 92, out: "netlink error: bit name not found: blah\n"},
		{command: "ethtool -K tun9 tso on", exit: 92, out: "netlink error: No such device\n"},
		{command: "ethtool -K tun0 tso maybe", exit: 1, out: "ethtool (-K): tso is followed by neither 'on' nor 'off'\n"},
		{command: "ethtool -k tun0 | grep -A", exit: 127, unsupported: "grep -A", out: "sh: the command grep -A is not supported here\n"},
		{command: "ethtool -k tun0", out: "Features for tun0:\nrx-checksumming: off [fixed]\n" +
			"tx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n\ttx-checksum-ip-generic: on\n" +
			"tcp-segmentation-offload: on\n\ttx-tcp-segmentation: on\n\ttx-tcp6-segmentation: on\n" +
			"generic-segmentation-offload: on\ngeneric-receive-offload: off\n"},

		// nstat and the files of counters
		{command: "nstat -n; nstat", out: "#kernel\n"},
		{command: "nstat", out: "#kernel\n" +
			"TcpOutRsts                      1                  0.0\n" +
			"Ip6InReceives                   7                  0.0\n" +
			"TcpExtTCPTimeouts               3                  0.0\n"},
		{command: "nstat > /dev/null; nstat -as 'Tcp*' | wc -l", out: "3\n"},
		{command: "nstat -z TcpExtOut*", out: "#kernel\nTcpExtOutOfWindowIcmps          0                  0.0\n"},
		{command: "nstat | grep TcpExtTCPTimeouts | grep -q 3"},
		{command: "nstat | grep TcpExtOutOfWindowIcmps > /dev/null", exit: 1},
		{command: "cat /proc/net/netstat", out: "TcpExt: TCPTimeouts OutOfWindowIcmps\nTcpExt: 3 0\n"},
		{command: "grep -c ^Tcp: /proc/net/snmp", out: "2\n"},
		{command: "cat /proc/self/net/snmp6", out: "Ip6InReceives                   \t7\n"},

		// Files
		{command: `grep " 0A " /proc/net/tcp /proc/net/tcp6 | grep ":1F90"`,
			out: "/proc/net/tcp:   0: 00000000:1F90 00000000:0000 0A 00000000\n"},
		{command: "cat /proc/version", exit: 1, unsupported: "/proc/version",
			out: "cat: /proc/version: /proc/version is not supported here\n"},
		{command: "echo a > /tmp/f; echo b >> /tmp/f; cat < /tmp/f; rm /tmp/f; cat /tmp/f", exit: 1,
			out: "a\nb\ncat: /tmp/f: No such file or directory\n"},
		{command: "cat nothing 2>/dev/null", exit: 1},

		// Scripts
		{command: "../defaults.sh", calls: []string{"net.ipv4.tcp_sack=0", "net.ipv4.tcp_rmem=4096 540000 15728640"},
			out: "sysctl: cannot stat /proc/sys/net/ipv4/gone: No such file or directory\n"},
		{command: ". ./args.sh a", exit: 7, out: "sh 1 a\n"},
		{command: "./args.sh 'a b'", exit: 7, out: "./args.sh 1 a b\n"},
		{command: "bash args.sh x", exit: 7, out: "args.sh 1 x\n"},
		{command: "sh -c 'echo $0-$1; exit 4' name arg", exit: 4, out: "name-arg\n"},
		{command: "sh -ec 'false; echo no'", exit: 1},
		{command: "echo 'echo $((1+1))' | sh", out: "2\n"},
		{command: "./bad.sh", exit: 2, out: "./bad.sh:2:1: `if` must be followed by a statement list\n"},
		{command: "./missing.sh", exit: 127, unsupported: "./missing.sh", out: "sh: the program ./missing.sh is not supported here\n"},
		{command: "./tool.py", exit: 127, unsupported: "./tool.py", out: "sh: the program ./tool.py is not supported here\n"},
		{command: "./bg.sh", exit: 2, unsupported: "a background command"},
		{command: "sleep 1 & wait", exit: 2, unsupported: "a background command"},
		// What a script went on without is no failure.
		{command: "./odd.sh", calls: []string{"net.ipv4.tcp_sack=0"},
			out: "sysctl: setting key \"net.odd.x\": sysctl net.odd.x is not supported here\n"},

		// The suites' sysctl setter and its cleanup
		{command: "../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 /proc/sys/net/ipv4/tcp_fastopen=0x402" +
			" && cat /tmp/sysctl_restore_42.sh && /tmp/sysctl_restore_${PPID}.sh",
			calls: []string{"net.ipv4.tcp_sack=0", "net.ipv4.tcp_fastopen=0x402", "net.ipv4.tcp_sack=1", "net.ipv4.tcp_fastopen=1"},
			out:   "#!/bin/bash\necho \"1\" > /proc/sys/net/ipv4/tcp_sack\necho \"1\" > /proc/sys/net/ipv4/tcp_fastopen\n"},
		{command: "./set_sysctls.py /proc/sys/net/ipv4/gone=0", exit: 1,
			out: "cat: /proc/sys/net/ipv4/gone: No such file or directory\n"},

		// The shell itself
		{command: "sleep 1.5; sleep 10ms 2>/dev/null || sleep 1m", calls: []string{"wait 1.5s", "wait 1m0s"}},
		{command: "echo $PPID ${PACKETDRILL_PID} $(sh -c 'echo $PPID')", out: "42 42 42\n"},
		{command: "false || true; echo $?; ! true", exit: 1, out: "0\n"},
		{command: "for i in 1 2; do echo -n $i; done; echo -e '\\ta%'", out: "12\ta%\n"},
		{command: "if command -v nstat > /dev/null; then echo yes; fi", out: "yes\n"},
		{command: "python3 -c 'print(1)'", exit: 127, unsupported: "python3", out: "sh: the program python3 is not supported here\n"},
		{command: "exit 300", exit: 44},
	} {
		t.Run(tt.command, func(t *testing.T) {
			h := newFakeHost()
			tt.run(t, h, h)
		})
	}
}

// Where the host has real programs, what isn't built in is theirs.
func TestExecutor(t *testing.T) {
	for _, tt := range []commandTest{
		{command: "echo a | upper | grep A", calls: []string{`exec ["upper"] in /suite/tcp`}, out: "A\n"},
		{command: "cd /proc/sys 2>/dev/null; fail", exit: 3, calls: []string{`exec ["fail"] in /suite/tcp`}, out: "it failed\n"},
		{command: "A=1; export B=2; C=3 env | grep '^[A-C]='", calls: []string{`exec ["env"] in /suite/tcp`}, out: "B=2\nC=3\n"},
		{command: "env | grep PID", calls: []string{`exec ["env"] in /suite/tcp`}, out: "PACKETDRILL_PID=42\n"},
		{command: "ss -t", exit: 127, unsupported: "ss, which isn't installed", calls: []string{`exec ["ss" "-t"] in /suite/tcp`},
			out: "sh: ss: not found\n"},
		{command: "./missing.sh", exit: 127, calls: []string{`exec ["./missing.sh"] in /suite/tcp`}, out: "sh: ./missing.sh: not found\n"},
		{command: "./tool.py x", calls: []string{`exec ["./tool.py" "x"] in /suite/tcp`}},
		{command: "sysctl -a", calls: []string{`exec ["sysctl" "-a"] in /suite/tcp`}},
		{command: `grep '\(a\)\1' f`, calls: []string{`exec ["grep" "\\(a\\)\\1" "f"] in /suite/tcp`}},
		{command: "sleep 1 &", calls: []string{`exec ["/bin/sh" "-c" "sleep 1 &"] in /suite/tcp`}},
	} {
		t.Run(tt.command, func(t *testing.T) {
			h := newFakeHost()
			tt.run(t, realHost{h}, h)
		})
	}
}

func TestNoExec(t *testing.T) {
	h := newFakeHost()
	o := options(h)
	o.NoExec = true
	exit, _, err := Run(t.Context(), realHost{h}, o, "upper < /dev/null")
	if _, ok := errors.AsType[*engine.UnsupportedError](err); !ok || exit != 127 || len(h.calls) != 0 {
		t.Errorf("got %d, %v, calls %q", exit, err, h.calls)
	}
}

// What one command of a run leaves, the next finds.
func TestState(t *testing.T) {
	h := newFakeHost()
	o := options(h)
	o.State = new(State)
	steps := []struct {
		command string
		before  func()
		out     string
	}{
		{command: "nstat > /dev/null"},
		{command: "nstat | grep -v '#'", before: func() { h.counters[4].Value = 2 },
			out: "TcpExtOutOfWindowIcmps          2                  0.0\n"},
		{command: "nstat | wc -l", out: "1\n"},
		{command: "./set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0"},
		{command: "sysctl -n net.ipv4.tcp_sack; /tmp/sysctl_restore_${PPID}.sh; sysctl -n net.ipv4.tcp_sack", out: "0\n1\n"},
	}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		exit, out, err := Run(t.Context(), h, o, s.command)
		if exit != 0 || err != nil || string(out) != s.out {
			t.Errorf("`%s`: got %d, %q, %v; want %q", s.command, exit, out, err, s.out)
		}
	}
}

// Each thing that a script goes on without is reported.
func TestUnsupportedReports(t *testing.T) {
	h := newFakeHost()
	o := options(h)
	var told []string
	o.Unsupported = func(err *engine.UnsupportedError) { told = append(told, err.What) }
	if exit, _, err := Run(t.Context(), h, o, "./odd.sh"); exit != 0 || err != nil {
		t.Errorf("got %d, %v", exit, err)
	}
	if !slices.Equal(told, []string{"sysctl net.odd.x"}) {
		t.Errorf("was told of %q", told)
	}
}

// The error has packetdrill's words, and what the command had to say.
func TestExitError(t *testing.T) {
	h := newFakeHost()
	_, _, err := Run(t.Context(), h, options(h), "echo out; cat nothing")
	failed, ok := errors.AsType[*ExitError](err)
	if !ok || failed.Error() != "error executing `echo out; cat nothing` command: non-zero status 1" ||
		failed.Stderr != "cat: nothing: No such file or directory" {
		t.Errorf("got %#v", err)
	}
}

func TestSyntaxError(t *testing.T) {
	h := newFakeHost()
	exit, _, err := Run(t.Context(), h, options(h), "echo 'a")
	if exit != 2 || err == nil || !strings.Contains(err.Error(), "quote") {
		t.Errorf("got %d, %v", exit, err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := newFakeHost()
	if _, _, err := Run(ctx, h, options(h), "true"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
