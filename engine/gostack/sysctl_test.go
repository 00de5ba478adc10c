package gostack

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strings"
	"testing"

	"tcpdrill/engine"
)

// TestSetSysctl has what Linux 6.12 does with the same values.
func TestSetSysctl(t *testing.T) {
	const (
		timestamps = "net.ipv4.tcp_timestamps"
		rmem       = "net.ipv4.tcp_rmem"
		key        = "net.ipv4.tcp_fastopen_key"
		ports      = "net.ipv4.ip_local_port_range"
	)
	for _, tt := range []struct{ name, value, want, err string }{
		{timestamps, "0x1", "1", ""},
		{timestamps, "010", "8", ""},
		{timestamps, "0 5", "0", ""},
		{timestamps, "256", "1", "invalid argument"},
		{timestamps, "-1", "1", "invalid argument"},
		{timestamps, "+1", "1", "invalid argument"},
		{timestamps, "1x", "1", "invalid argument"},
		{timestamps, "0b1", "1", "invalid argument"},
		{timestamps, "", "1", "invalid argument"},
		{rmem, "5000 9999", "5000\t9999\t6291456", ""},
		{rmem, "5000\t9999  10000", "5000\t9999\t10000", ""},
		{rmem, "6000 x", "6000\t131072\t6291456", "invalid argument"},
		{rmem, "0 99 99", "4096\t131072\t6291456", "invalid argument"},
		{"net.ipv4.tcp_fin_timeout", "-5", "-5", ""},
		{"net.ipv4.tcp_fin_timeout", "9999999999", "60", "invalid argument"},
		{"net.ipv4.tcp_fastopen", "0x70403", "459779", ""},
		{"net.ipv4.tcp_notsent_lowat", "4294967295", "4294967295", ""},
		{"net.ipv4.tcp_notsent_lowat", "4294967296", "4294967295", "invalid argument"},
		{key, "1-2-3-4", "00000001-00000002-00000003-00000004", ""},
		{key, "1-2-3-4,aaaaaaaa-2-3-DEADBEEF", "00000001-00000002-00000003-00000004,aaaaaaaa-00000002-00000003-deadbeef", ""},
		{key, "1-2-3-123456789", "00000001-00000002-00000003-23456789", ""},
		{key, "1-2-3", "00000000-00000000-00000000-00000000", "invalid argument"},
		{key, "1-2-3-4,", "00000000-00000000-00000000-00000000", "invalid argument"},
		{ports, "5000 6000", "5000\t6000", ""},
		{ports, "5000", "5000\t60999", ""},
		{ports, "6000 5000", "32768\t60999", "invalid argument"},
		{ports, "5000 70000", "32768\t60999", "invalid argument"},
		{"net.ipv4.tcp_congestion_control", "reno", "reno", ""},
		{"net.ipv4.tcp_congestion_control", "nosuch", "cubic", "no such file or directory"},
		{"net.ipv4.tcp_congestion_control", "bbr", "cubic", "the congestion control bbr is not supported here"},
		{"net.ipv4.tcp_fack", "1", "1", ""},
		{"net.ipv4.tcp_plb_enabled", "0", "0", ""},
		{"net.ipv4.tcp_plb_enabled", "1", "0", "setting the sysctl net.ipv4.tcp_plb_enabled to 1 is not supported here"},
		{"net.ipv4.tcp_plb_enabled", "2", "0", "invalid argument"},
		{"net.ipv4.tcp_ecn", "3", "2", "setting the sysctl net.ipv4.tcp_ecn to 3 is not supported here"},
		{"net.ipv4.tcp_ecn", "6", "2", "invalid argument"},
		{"net.ipv4.tcp_ecn_option", "2", "2", ""},
		{"net.ipv4.conf.tun0.rp_filter", "0", "0", ""},
		{"net.ipv6.conf.all.accept_dad", "-1", "-1", ""},
		{"net.core.default_qdisc", "fq", "fq", ""},
		{"net.ipv4.tcp_available_congestion_control", "x", "reno cubic", engine.ErrReadOnly.Error()},
	} {
		s := New(Options{})
		err := s.SetSysctl(tt.name, tt.value)
		if text := errorText(err); text != tt.err {
			t.Errorf("%s = %q: error %q, want %q", tt.name, tt.value, text, tt.err)
		}
		if got, err := s.Sysctl(tt.name); got != tt.want || err != nil {
			t.Errorf("%s = %q: now %q, %v, want %q", tt.name, tt.value, got, err, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnknownSysctl(t *testing.T) {
	s := New(Options{})
	err := s.SetSysctl("net.ipv4.tcp_nosuch", "1")
	if _, ok := errors.AsType[*engine.UnsupportedError](err); !ok {
		t.Errorf("error %v, want unsupported", err)
	}
	if err := s.SetSysctl("net.ipv4.tcp_congestion_control", "nosuch"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that it doesn't exist", err)
	}
}

// TestSysctlNames checks that a field's name follows from the sysctl's.
func TestSysctlNames(t *testing.T) {
	fields := sysctlFields(t)
	for name, field := range fields {
		words := strings.FieldsFunc(strings.TrimPrefix(strings.TrimPrefix(name, "net."), "ipv4."), func(r rune) bool {
			return r == '.' || r == '_'
		})
		want := words[0]
		for _, w := range words[1:] {
			want += strings.ToUpper(w[:1]) + w[1:]
		}
		if field != want {
			t.Errorf("%s is in the field %s, want %s", name, field, want)
		}
	}
	if len(fields) < 150 {
		t.Errorf("only %d sysctls", len(fields))
	}
}

// sysctlFields returns the fields of the table's sysctls by name.
func sysctlFields(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "sysctl_table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || len(row.Elts) != 3 {
			return true
		}
		name := row.Elts[0].(*ast.BasicLit).Value
		fields[strings.Trim(name, `"`)] = row.Elts[1].(*ast.UnaryExpr).X.(*ast.SelectorExpr).Sel.Name
		return true
	})
	return fields
}

// TestSysctlsModelled checks that the stack goes by the sysctls that it accepts
// changes of, and by no others.
func TestSysctlsModelled(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		name := file.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "sysctl_table.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				used[sel.Sel.Name] = true
			}
			return true
		})
	}
	s := New(Options{})
	for name, field := range sysctlFields(t) {
		switch mode := s.sysctl.find(name).mode; {
		case mode == modelled && !used[field]:
			t.Errorf("%s is accepted and nothing looks at it", name)
		case mode == fixed && used[field] && field != "ipUnprivilegedPortStart":
			t.Errorf("%s can't be set, and something looks at it", name)
		}
	}
}
