package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcpdrill/script"
)

// Whatever scripts others have written, each call of theirs can be made. The
// target answers as the script expects; what it would write to memory isn't
// there, so differences are of no matter.
func TestCallsOfCorpus(t *testing.T) {
	corpus := os.Getenv("TCPDRILL_CORPUS")
	if corpus == "" {
		t.Skip("TCPDRILL_CORPUS names no folders of scripts")
	}
	defines := script.Defines{ // what the suites' runners define
		"CMSG_LEVEL_IP": "SOL_IP", "CMSG_TYPE_RECVERR": "IP_RECVERR", "CODE": "host_unreachable",
		"TFO_COOKIE": "3021b9d889017eeb", "TFO_COOKIE_ZERO": "b7c12350a90dc8f5",
	}
	scripts, calls := 0, 0
	for _, root := range filepath.SplitList(corpus) {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".pkt") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sc, err := script.Parse(path, src, defines)
			if err != nil {
				return nil // of another dialect
			}
			scripts++
			calls += playCalls(t, sc)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d calls of %d scripts", calls, scripts)
}

// playCalls makes the calls of a script and returns how many there were.
func playCalls(t *testing.T, sc *script.Script) int {
	s := testCalls(IPv4)
	live, calls := int64(100), 0
	for _, ev := range sc.Events {
		if ev.Call == nil {
			continue
		}
		calls++
		p, err := s.prepare(ev.Call)
		if err != nil {
			start, _ := err.(*CallError).Node.Span()
			if e := err.(*CallError); !e.Unsupported && !foreign(e) {
				t.Errorf("%s:%d:%d: %v", start.Filename, start.Line, start.Column, err)
			}
			continue
		}
		p.before()
		res := Result{}
		b := &callBuilder{s: s, c: ev.Call}
		b.evalResult()
		switch res.Ret, res.Errno = int64(b.want.value), b.want.errno; {
		case res.Ret < 0:
		case ev.Call.Name == "pipe":
			le.PutUint32(p.call.Args[0].Buf, uint32(live))
			le.PutUint32(p.call.Args[0].Buf[4:], uint32(live+1))
			live += 2
		case ev.Call.Name == "socket" || ev.Call.Name == "accept" || ev.Call.Name == "open" || ev.Call.Name == "epoll_create":
			res.Ret = live
			live++
		}
		if ev.Call.Name == "accept" && res.Ret >= 0 {
			child(s, "192.0.2.1:40001", socketPassiveSYNACKAcked)
			addr(1, "192.0.2.1:40001")(&p.call)
		}
		for _, d := range p.finish(res, time.Second) {
			if d.What == "result" || d.What == "errno" || d.What == "accepted peer" {
				t.Errorf("%s:%d: %+v", sc.Name, ev.Pos.Line, d)
			}
		}
	}
	return calls
}

// foreign tells scripts that use the names of other systems.
func foreign(e *CallError) bool { return strings.HasPrefix(e.Msg, "unknown symbol ") }
