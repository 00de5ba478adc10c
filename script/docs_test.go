package script

import (
	"os"
	"strings"
	"testing"
)

// TestLanguagePage checks that the examples of docs/language.md are right, and in the
// printer's layout.
func TestLanguagePage(t *testing.T) {
	page, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```pkt\n")[1:]
	if len(blocks) < 10 {
		t.Fatalf("found %d examples", len(blocks))
	}
	for _, block := range blocks {
		src, _, _ := strings.Cut(block, "```")
		if _, errs := Vet("language.md", []byte(src), nil, Setting{}); len(errs) > 0 {
			t.Errorf("%s", errs.Render([]byte(src)))
			continue
		}
		text, err := Format("language.md", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != src {
			t.Errorf("got\n%s\nwant\n%s", src, text)
		}
	}
}
