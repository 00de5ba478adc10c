package engine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tcpdrill/script"
)

// Whatever stands in a call that parses, prepare answers with an error or with a
// call whose end can be compared.
func TestAnyArguments(t *testing.T) {
	const tries = 5000
	forms := []string{
		"...", "0", "3", "-1", "0x7f", "4294967295", "NULL", "SOCK_STREAM", "AF_UNSPEC|1", `""`, `"text"`, `"te"...`, "[]", "[1]",
		"[4]", "[1, 2]", "{1, 2}", "[...]", `inet_addr("1.2.3.4")`, `inet6_addr("::1")`, `inet_addr("x")`, sockaddr4, sockaddr6,
		`{sa_family = AF_INET, sin_port = htons(1), sin_addr = inet_addr("no")}`,
		"[{..., 10}]", "{..., 10}", "[{fd=3, events=POLLIN}]", "{fd=3, events=POLLIN, revents=1}", "{events=EPOLLIN, fd=3}",
		"[{events=EPOLLIN, ptr=3}]", "{onoff=1, linger=2}", "{(label 1, tc 1, ttl 1)}", "{flags 0x8000, sum 1, off 2, key = 3, seq 4}",
		"{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}",
		"[{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}]",
		"{msg_name(...)=..., msg_iov(0)=[], msg_flags=0, msg_control=[{cmsg_level=1, cmsg_type=37, cmsg_data={scm_sec=1, scm_nsec=2}}]}",
		"{msg_name(...)=..., msg_iov(0)=[], msg_flags=0, msg_control=[{cmsg_level=1, cmsg_type=54, cmsg_data=[TCP_NLA_BUSY=1]}]}",
		`[..., "key"]`,
	}
	names := make([]string, 0, len(callSpecs))
	for name := range callSpecs {
		names = append(names, name)
	}
	slices.Sort(names)
	results := []Result{{}, {Ret: 1}, {Ret: 3}, {Ret: -1, Errno: 11}}
	random := rand.New(rand.NewPCG(1, 2))
	parsed := map[string]*script.Call{}
	for _, form := range forms {
		parsed[form] = parseCall(t, "f("+form+") = 0")
	}
	open := parseCall(t, openSocket.line)
	made := 0
	for range tries {
		name := names[random.IntN(len(names))]
		spec := callSpecs[name]
		c := &script.Call{Name: name, Result: parsed["3"].Args[0]}
		var written []string
		for range spec.min + random.IntN(spec.max-spec.min+1) {
			form := forms[random.IntN(len(forms))]
			if len(c.Args) == 0 && random.IntN(4) > 0 {
				form = "3" // or most calls would end at their descriptor
			}
			written = append(written, form)
			c.Args = append(c.Args, parsed[form].Args[0])
		}
		s := testCalls(IPv4)
		p, err := s.prepare(open)
		if err != nil {
			t.Fatal(err)
		}
		p.finish(Result{Ret: 70}, 0)
		if random.IntN(2) > 0 {
			c.Result = script.Ellipsis{}
		}
		func() {
			defer func() {
				if e := recover(); e != nil {
					t.Fatalf("%s(%s): %v", name, strings.Join(written, ", "), e)
				}
			}()
			p, err := s.prepare(c)
			if err != nil {
				return
			}
			made++
			p.before()
			p.finish(results[random.IntN(len(results))], 0)
		}()
	}
	if made < tries/20 {
		t.Errorf("only %d calls of %d could be made", made, tries)
	}
}
