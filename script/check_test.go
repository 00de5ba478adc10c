package script

import (
	"strings"
	"testing"
)

// TestCheckWith has what depends on how a script is run.
func TestCheckWith(t *testing.T) {
	for _, test := range []struct {
		script  string
		setting Setting
		want    string // part of the first error, or ""
	}{
		{"0 > icmp unreachable frag_needed mtu 1200", Setting{}, ""},
		{"0 > icmp unreachable frag_needed mtu 1200", Setting{IPVersion: "ipv4-mapped-ipv6"}, ""},
		{"0 > icmp unreachable frag_needed mtu 1200", Setting{IPVersion: "ipv6"}, "unknown ICMP code"},
		{"0 > icmp packet_too_big mtu 1200", Setting{}, ""},
		{"0 > icmp packet_too_big mtu 1200", Setting{IPVersion: "ipv4"}, "unknown ICMP type"},
		{"--ip_version=ipv6\n0 > icmp packet_too_big mtu 1200", Setting{IPVersion: "ipv4"}, "unknown ICMP type"},
		{"--ip_version=ipv6\n0 > icmp packet_too_big mtu 1200", Setting{}, ""},
		{"0 > . 0:65496(65496)", Setting{IPVersion: "ipv4"}, ""},
		{"0 > . 0:65496(65496)", Setting{IPVersion: "ipv6"}, "segment too large"},
		{"0 > encap psp spi 5 . 1:1(0)", Setting{}, "--psp_udp_port"},
		{"0 > encap psp spi 5 . 1:1(0)", Setting{Options: []string{"psp_udp_port"}}, ""},
		{"--local_ip=fd00::1\n0 close(3) = 0", Setting{IPVersion: "ipv4"}, "bad --local_ip"},
		{"--local_ip=fd00::1\n0 close(3) = 0", Setting{IPVersion: "ipv4", Options: []string{"local_ip"}}, ""},
	} {
		_, errs := Vet("test.pkt", []byte(test.script), nil, test.setting)
		got := errs.Error()
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%q with %+v: got %q, want %q", test.script, test.setting, got, test.want)
		}
	}
}

func TestLate(t *testing.T) {
	for _, test := range []struct {
		script string
		late   bool
	}{
		{"0 foo() = 0", true},
		{"0 listen(3, FOO) = 0", true},
		{"1 close(3) = 0", true},
		{"0 %{ asert 1 }%", true},
		{"0 < . 1:1(0)", false},
		{"--foo\n0 close(3) = 0", false},
	} {
		_, errs := Vet("test.pkt", []byte(test.script), nil, Setting{})
		if len(errs) != 1 || errs[0].Late != test.late {
			t.Errorf("%s: got %v, want one error with Late %v", test.script, errs, test.late)
		}
	}
}

func TestCode(t *testing.T) {
	for _, good := range []string{
		"assert tcpi_rto == 1, 'x'",
		"print 'old'; print(\"new\", end='')",
		"x = [1,\n  2]; y = {'a': (1, 2)}",
		"if 1 <= tcpi_rtt <= 2: pass\nelse:\n  print x",
		"x = 'a' \\\n 'b'",
		`s = """two " lines` + "\n" + `"""`,
		"s = r'\\'' # it's",
		`s = f"{d["x"]}"`,
		"a if b else c",
		"match x:\n  case 1: pass",
		"x = 1  # }",
		"rb'x'",
		"@f\ndef g(): return not x",
		"",
	} {
		if p := scanPython(good); p.problem != "" {
			t.Errorf("%q: %s", good, p.problem)
		}
	}
	for bad, want := range map[string]string{
		"assert (1":      "( isn't closed",
		"assert 1)":      "nothing open",
		"x = [1)":        "got ), want ]",
		"print 'x":       "string isn't closed",
		"x = '''a":       "string isn't closed",
		"asert x":        "did you mean assert",
		"assert x ? 1":   "got ?",
		"= 3":            "want a statement",
		"x = 1\nretrn x": "unknown statement retrn",
	} {
		if p := scanPython(bad); !strings.Contains(p.problem, want) {
			t.Errorf("%q: got %q, want %q", bad, p.problem, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"sack", "sackOK", "mss", "TCP_NODELAY", "TCP_NOTSENT_LOWAT"}
	for word, want := range map[string]string{
		"sackOk":      "sackOK",
		"sackok":      "sackOK",
		"skac":        "",
		"scak":        "sack",
		"msss":        "mss",
		"TCP_NODELEY": "TCP_NODELAY",
		"TCP_NOEDLAY": "TCP_NODELAY",
		"x":           "",
		"timestamp":   "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
