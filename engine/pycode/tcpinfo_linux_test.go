package pycode

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The table's offsets are those of x/sys's structure, which is generated from
// the kernel's headers.
func TestTCPInfoLayout(t *testing.T) {
	byName := make(map[string]field)
	for _, f := range tcpInfo {
		byName[f.name] = f
	}
	typ := reflect.TypeFor[unix.TCPInfo]()
	for i := range typ.NumField() {
		member := typ.Field(i)
		if member.Name == "_" {
			continue
		}
		name := "tcpi_" + strings.ToLower(member.Name)
		f, ok := byName[name]
		if !ok {
			t.Errorf("no %s", name)
		} else if f.offset != int(member.Offset) || f.size != int(member.Type.Size()) {
			t.Errorf("%s has offset %d and size %d, want %d and %d", name, f.offset, f.size, member.Offset, member.Type.Size())
		}
	}
	last := tcpInfo[len(tcpInfo)-1]
	if got, want := last.offset+last.size, int(unsafe.Sizeof(unix.TCPInfo{})); got != want {
		t.Errorf("the table covers %d bytes of %d", got, want)
	}
}

func TestConstantsAreThoseOfUnix(t *testing.T) {
	want := map[string]int{
		"TCP_ESTABLISHED": unix.BPF_TCP_ESTABLISHED,
		"TCP_SYN_RECV":    unix.BPF_TCP_SYN_RECV,
		"TCP_TIME_WAIT":   unix.BPF_TCP_TIME_WAIT,
		"TCP_LISTEN":      unix.BPF_TCP_LISTEN,
		"TCP_CLOSING":     unix.BPF_TCP_CLOSING,
	}
	for _, v := range Constants() {
		if w, ok := want[v.Name]; ok && v.Value != w {
			t.Errorf("%s = %v, want %d", v.Name, v.Value, w)
		}
		delete(want, v.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
