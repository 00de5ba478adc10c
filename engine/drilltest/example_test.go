package drilltest_test

import (
	"testing"

	"tcpdrill/engine/drilltest"
)

func TestMain(m *testing.M) { drilltest.Main(m) }

func TestTCP(t *testing.T) {
	drilltest.Run(t, "testdata/tcp/*.pkt",
		drilltest.Stack("gostack"),
		drilltest.IPVersions("ipv4", "ipv6"),
	)
}
