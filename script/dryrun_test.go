package script

import (
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packetdrill returns the program that TCPDRILL_PACKETDRILL names.
func packetdrill(t *testing.T) string {
	t.Helper()
	program := os.Getenv("TCPDRILL_PACKETDRILL")
	if program == "" {
		t.Skip("TCPDRILL_PACKETDRILL isn't set to a packetdrill")
	}
	return program
}

// dryRun returns what packetdrill says against a script, "" if it takes it.
func dryRun(program, path string) string {
	args := []string{"--dry_run", "--ip_version=ipv4"}
	for symbol, value := range corpusDefines {
		args = append(args, "-D", symbol+"="+value)
	}
	cmd := exec.Command(program, append(args, filepath.Base(path))...)
	cmd.Dir = filepath.Dir(path)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return strings.TrimSpace(string(out)) + " (" + err.Error() + ")"
}

// ours returns what we say against a script that packetdrill should say too.
func ours(path string, src []byte) ErrorList {
	_, errs := Vet(path, src, corpusDefines, Setting{IPVersion: "ipv4"})
	return slices.DeleteFunc(errs, func(e *Error) bool { return e.Late })
}

// differsOnPurpose are the cases in which we take what packetdrill refuses, or the
// other way round.
func differsOnPurpose(theirs string, errs ErrorList) bool {
	switch {
	case strings.HasPrefix(theirs, "PSP requires wireserver mode"):
		return true // not an error of the script
	case theirs == "" && strings.Contains(errs.Error(), "bad sa_family"):
		return true // packetdrill goes on with an expression that it never set
	}
	return false
}

func TestDryRun(t *testing.T) {
	program := packetdrill(t)
	same := 0
	for _, path := range corpus(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		theirs, errs := dryRun(program, path), ours(path, src)
		if (theirs == "") != (len(errs) == 0) && !differsOnPurpose(theirs, errs) {
			t.Errorf("%s: packetdrill says %q, we say\n%v", path, theirs, errs)
			continue
		}
		same++
	}
	t.Logf("%d scripts", same)
}

// TestDryRunMutated does the same with scripts that have a token or two changed, most
// of which are wrong.
func TestDryRunMutated(t *testing.T) {
	program := packetdrill(t)
	var scripts [][]byte
	var tokens []string
	paths, err := filepath.Glob("testdata/samples/*.pkt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, src)
		for _, at := range tokenRanges(src) {
			tokens = append(tokens, string(src[at[0]:at[1]]))
		}
	}
	random := rand.New(rand.NewSource(1))
	path := filepath.Join(t.TempDir(), "mutated.pkt")
	taken := 0
	const tries = 1000
	for range tries {
		src := scripts[random.Intn(len(scripts))]
		for range 1 + random.Intn(2) {
			ranges := tokenRanges(src)
			at := ranges[random.Intn(len(ranges))]
			other := " " + tokens[random.Intn(len(tokens))] + " "
			switch random.Intn(3) {
			case 0: // drop it
				other = ""
			case 1: // keep it too
				other = string(src[at[0]:at[1]]) + other
			}
			src = slices.Concat(src[:at[0]], []byte(other), src[at[1]:])
		}
		if err := os.WriteFile(path, src, 0o644); err != nil {
			t.Fatal(err)
		}
		theirs, errs := dryRun(program, path), ours(path, src)
		if (theirs == "") != (len(errs) == 0) && !differsOnPurpose(theirs, errs) {
			t.Errorf("packetdrill says %q, we say %v\n%s", theirs, errs, src)
		}
		if len(errs) == 0 {
			taken++
			roundTrip(t, path, src, corpusDefines)
		}
	}
	t.Logf("%d of %d scripts taken", taken, tries)
}

// tokenRanges returns where a script's tokens begin and end.
func tokenRanges(src []byte) (ranges [][2]int) {
	scan := newScanner("", src)
	for {
		tok, err := scan.Next()
		if err != nil || tok.EOF() {
			return ranges
		}
		if tok.Type != tokenBlank {
			ranges = append(ranges, [2]int{tok.Pos.Offset, tok.Pos.Offset + len(tok.Value)})
		}
	}
}
