package netstack_test

import (
	"testing"

	"tcpdrill/engine/drilltest"
)

func TestMain(m *testing.M) { drilltest.Main(m) }

// TestScripts runs scripts that say what netstack does. When another version of gVisor
// does something else, they fail.
func TestScripts(t *testing.T) {
	stack := drilltest.Stack("netstack")
	drilltest.Run(t, "testdata/*.pkt", stack, drilltest.IPVersions("ipv4", "ipv4-mapped-ipv6"))
	drilltest.Run(t, "testdata/ipv6/*.pkt", stack, drilltest.IPVersions("ipv6"))
}
