package suite

import (
	"fmt"

	"tcpdrill/engine"
)

// presetSettings returns what a named preset passes for an IP version.
// kselftest is what packetdrill's run_all.py and the kernel's ksft_runner.sh
// pass.
func presetSettings(name string, v engine.IPVersion) ([]engine.Setting, error) {
	switch name {
	case "":
		return nil, nil
	case "kselftest":
		return kselftest(v), nil
	}
	return nil, fmt.Errorf("--preset: want kselftest, got %s", name)
}

func kselftest(v engine.IPVersion) []engine.Setting {
	var out []engine.Setting
	set := func(name, value string) {
		out = append(out, engine.Setting{Name: name, Value: value, HasValue: true})
	}
	define := func(name, value string) { set("define", name+"="+value) }
	out = append(out, engine.Setting{Name: "send_omit_free"})
	if v == engine.IPv6 {
		set("mtu", "1520")
		set("local_ip", "fd3d:0a0b:17d6::1")
		set("gateway_ip", "fd3d:0a0b:17d6:8888::1")
		set("remote_ip", "fd3d:fa7b:d17d::1")
		define("TFO_COOKIE", "c1d1e9742a47a9bc")
		define("TFO_COOKIE_ZERO", "82af1a8f9a205c34")
	} else {
		set("local_ip", "192.168.0.1")
		set("gateway_ip", "192.168.0.1")
		set("netmask_ip", "255.255.0.0")
		set("remote_ip", "192.0.2.1")
		define("TFO_COOKIE", "3021b9d889017eeb")
		define("TFO_COOKIE_ZERO", "b7c12350a90dc8f5")
		define("CODE", "host_unreachable")
	}
	if v == engine.IPv4 {
		define("CMSG_LEVEL_IP", "SOL_IP")
		define("CMSG_TYPE_RECVERR", "IP_RECVERR")
	} else {
		define("CMSG_LEVEL_IP", "SOL_IPV6")
		define("CMSG_TYPE_RECVERR", "IPV6_RECVERR")
	}
	return out
}
