package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/report"
)

// Blocks of the pages: a command and what it prints, and lines of a script.
var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	pktBlock     = regexp.MustCompile("(?ms)^```pkt\n(.*?)^```$")
	image        = regexp.MustCompile(`!\[[^\]]+\]\(([^)]*)\)`)
)

// The pages of the five stories show what their commands print, where that is the same
// on each machine, and lines that are in their scripts. UPDATE=1 writes what is printed.
func TestStories(t *testing.T) {
	t.Chdir("../..")
	update := os.Getenv("UPDATE") != ""
	for _, page := range storyPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		renewed := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string {
			command, _, _ := strings.Cut(strings.TrimPrefix(block, "```console\n$ "), "\n")
			if strings.HasPrefix(command, "$") || !sameEverywhere(command) {
				return block
			}
			now := "```console\n$ " + command + "\n" + printed(t, command) + "```"
			if now != block && !update {
				t.Errorf("%s shows\n%s\nwhich now is, as UPDATE=1 go test -run TestStories ./cmd/tcpdrill writes it,\n%s", page, block, now)
			}
			return now
		})
		if renewed != string(text) && update {
			if err := os.WriteFile(page, []byte(renewed), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		source, err := os.ReadFile(scriptOf(page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range pktBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains("\n"+string(source), "\n"+block[1]) {
				t.Errorf("%s shows lines that aren't in %s:\n%s", page, scriptOf(page), block[1])
			}
		}
	}
}

// storyPages are the pages, and there is one for each story's script.
func storyPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/stories/*.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("examples/stories/*.pkt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no stories", err)
	}
	var told []string
	for _, p := range pages {
		told = append(told, scriptOf(p))
	}
	if !slices.Equal(told, scripts) {
		t.Fatalf("the pages are about %v, the scripts are %v", told, scripts)
	}
	return pages
}

// scriptOf is the script that a page, or a chart, is about: docs/stories/1-psh.md,
// docs/stories/1-psh.svg, docs/stories/1-psh.no-psh.svg.
func scriptOf(page string) string {
	name, _, _ := strings.Cut(filepath.Base(page), ".")
	return "examples/stories/" + name + ".pkt"
}

// sameEverywhere reports whether a command prints the same on each machine: if all of
// its stacks are built in, or recorded.
func sameEverywhere(command string) bool {
	stacks := regexp.MustCompile(`--stack=(\S*)`).FindAllStringSubmatch(command, -1)
	for _, s := range stacks {
		if !regexp.MustCompile(`^(gostack|netstack|golden/)`).MatchString(s[1]) {
			return false
		}
	}
	return len(stacks) > 0 || strings.HasPrefix(command, "tcpdrill mutate ")
}

// printed is what a command prints, but for how long it took.
func printed(t *testing.T, command string) string {
	t.Helper()
	var out, errs strings.Builder
	if status := run(strings.Fields(command), &out, &errs); status != exitPass && status != exitFail || errs.String() != "" {
		t.Fatalf("%s: status %d: %s", command, status, errs.String())
	}
	return regexp.MustCompile(` run in \d+\.\d s:`).ReplaceAllString(out.String(), " run in 0.0 s:")
}

// The charts in the pages of the five stories are those of the HTML report. A name says
// whose: 1-psh.svg is examples/stories/1-psh.pkt on the built-in stack, 1-psh.no-psh.svg
// the same with a fault, or with a capture that pins packets (5-fin-collapse.packet.svg).
// There is one drawing, the report's, so it takes a browser to make them; what they say is
// checked without one, too. UPDATE=1 writes them.
func TestStoryCharts(t *testing.T) {
	t.Chdir("../..")
	var names []string
	for _, page := range storyPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		images := image.FindAllStringSubmatch(string(text), -1)
		if len(images) == 0 {
			t.Errorf("%s has no chart", page)
		}
		for _, i := range images {
			name := filepath.Join(filepath.Dir(page), i[1])
			if scriptOf(name) != scriptOf(page) {
				t.Errorf("%s shows the chart %s", page, name)
			}
			names = append(names, name)
		}
	}
	there, err := filepath.Glob("docs/stories/*.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if !slices.Contains(names, name) {
			t.Errorf("no page shows %s", name)
		}
	}
	update := os.Getenv("UPDATE") != ""
	const how = "UPDATE=1 go test -run TestStoryCharts ./cmd/tcpdrill writes it"
	reports := map[string]string{}
	old := map[string]string{}
	for _, name := range names {
		reports[name] = reportOf(t, name)
		svg, err := os.ReadFile(name)
		if err != nil && !update {
			t.Fatal(err)
		}
		old[name] = string(svg)
		if got, want := textsOf(old[name]), textsIn(t, reports[name]); !slices.Equal(got, want) && !update {
			t.Errorf("%s says\n%q\nwhere the stack did\n%q\n%s", name, got, want, how)
		}
	}
	for name, svg := range drawn(t, reports) {
		switch {
		case svg == old[name]:
		case !update:
			t.Errorf("%s isn't what the report draws; %s", name, how)
		default:
			if err := os.WriteFile(name, []byte(svg), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// reportOf is the HTML report of the run that a chart is of.
func reportOf(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	args := []string{"tcpdrill", "run", "--stack=gostack", "--html=" + file, scriptOf(name)}
	switch of := strings.Split(filepath.Base(name), "."); {
	case of[1] == "packet":
		args = append(args, "--capture=packet")
	case len(of) > 2:
		args = append(args, "--fault="+of[1])
	}
	var out, errs strings.Builder
	if status := run(args, &out, &errs); status != exitPass && status != exitFail {
		t.Fatalf("%v: status %d: %s%s", args, status, out.String(), errs.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dataIn is what a report's program is given.
func dataIn(t *testing.T, report string) string {
	t.Helper()
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(report)
	if data == nil {
		t.Fatal("there is no data in the report")
	}
	return data[1]
}

// textsIn are the labels of a report's chart.
func textsIn(t *testing.T, page string) (out []string) {
	t.Helper()
	var data struct{ Charts []report.Chart }
	if err := json.Unmarshal([]byte(dataIn(t, page)), &data); err != nil {
		t.Fatal(err)
	}
	for _, r := range data.Charts[0].Rows {
		if r.Kind != "gap" {
			out = append(out, append(r.Text, r.Notes...)...)
		}
	}
	return out
}

// textsOf are the labels in a picture.
func textsOf(svg string) (out []string) {
	for _, m := range regexp.MustCompile(`<tspan[^>]*>(.*?)</tspan>`).FindAllStringSubmatch(svg, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	return out
}

// drawn has a browser draw the charts of reports, and checks that no text is on another.
func drawn(t *testing.T, reports map[string]string) map[string]string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium isn't installed")
	}
	all, page := map[string]json.RawMessage{}, ""
	for name, report := range reports {
		all[name], page = json.RawMessage(dataIn(t, report)), report
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	// One of the reports draws all of them. Its policy would forbid it a program of ours.
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllLiteralString(page, "") +
		fmt.Sprintf("<script>const all = %s;\n%s</script>", data, drawAll)
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o666); err != nil {
		t.Fatal(err)
	}
	// It may hang where it has no display or no /dev/shm: that is no fault of the charts.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=20000", "--dump-dom", "file://"+file)
	cmd.WaitDelay = time.Second
	dom, err := cmd.Output()
	if err != nil {
		t.Skipf("chromium doesn't run here: %v", err)
	}
	got := regexp.MustCompile(`(?s)<pre id="drawn">(.*?)</pre>`).FindSubmatch(dom)
	if got == nil {
		t.Fatal("the page's program came to no end")
	}
	var out struct {
		Files map[string]string
		Found []string
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(got[1]))), &out); err != nil {
		t.Fatal(err)
	}
	for _, f := range out.Found {
		t.Error(f)
	}
	return out.Files
}

const drawAll = `
addEventListener('load', () => {
  const files = {}, found = [];
  for (const [name, data] of Object.entries(all)) {
    const r = data.results[0];
    files[name] = drawChart.file(data.charts[r.chart], {names: [r.stack], sizes: data.sizes, lines: true, label: r.script + ' on ' + r.stack});
    const svg = new DOMParser().parseFromString(files[name], 'image/svg+xml').documentElement;
    document.body.append(svg);
    const {x, y, width, height} = svg.viewBox.baseVal;
    const boxes = [...svg.querySelectorAll('text')].map(e => ({e, b: e.getBBox()}));
    boxes.forEach(({e, b}, i) => {
      if (b.x < x || b.x + b.width > x + width || b.y < y || b.y + b.height > y + height) found.push(name + ': outside: ' + e.textContent);
      for (const {e: f, b: c} of boxes.slice(i + 1)) {
        if (b.x < c.x + c.width && c.x < b.x + b.width && b.y + 1 < c.y + c.height && c.y + 1 < b.y + b.height) found.push(name + ': overlap: ' + e.textContent + ' / ' + f.textContent);
      }
    });
    svg.remove();
  }
  const out = document.createElement('pre');
  out.id = 'drawn';
  out.textContent = JSON.stringify({files, found});
  document.body.append(out);
});
`
