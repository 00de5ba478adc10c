package netstack

import "runtime/debug"

// module is gVisor's.
const module = "gvisor.dev/gvisor"

// Version returns the version of gVisor that is built in: its module and version, or
// its module alone where the program doesn't know.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return module + " " + m.Version
			}
		}
	}
	return module
}
