package wire

import "testing"

func TestChecksum(t *testing.T) {
	tests := []struct {
		hex  string
		want uint16
	}{
		{"", 0xffff},
		{"0001 f203 f4f5 f6f7", 0x220d}, // RFC 1071 section 3: the sum is ddf2
		{"ff", 0x00ff},                  // padded with 0
		{"ffff ffff ffff", 0},
		{"0001 f203 f4f5 f6f7 80", 0xa20c}, // 220d - 8000, around the end
		{"4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7", 0},
	}
	for _, tt := range tests {
		if got := checksum(unhex(t, tt.hex)); got != tt.want {
			t.Errorf("%s: %04x, want %04x", tt.hex, got, tt.want)
		}
	}
}
