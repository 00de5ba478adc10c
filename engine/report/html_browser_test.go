package report

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// probe goes through the page as a reader does, and leaves what it found wrong in an
// element that --dump-dom shows.
const probe = `
addEventListener('load', async () => {
  const found = [], say = t => { if (!found.includes(t)) found.push(t); };
  addEventListener('error', e => say('error: ' + e.message));
  addEventListener('securitypolicyviolation', e => say('forbidden: ' + e.violatedDirective));
  const $ = s => document.querySelector(s), all = s => [...document.querySelectorAll(s)];
  const settle = () => new Promise(r => setTimeout(r, 50));
  const is = (what, got, want) => { if (got !== want) say(what + ': got ' + got + ', want ' + want); };
  const press = async (key, on) => { (on || document.activeElement).dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})); await settle(); };
  const narrow = what => is(what + ' is wider than the screen, by', Math.max(0, document.documentElement.scrollWidth - innerWidth), 0);
  const visible = () => all('#results tbody tr').length;
  try {
    await settle();
    is('results', visible(), 5);
    narrow('the list');
    all('[name=verdict]').filter(b => b.value !== 'fail').forEach(b => b.click());
    is('failures', visible(), 1);
    is('address', location.hash, '#?verdict=fail');
    $('form').reset(); await settle();
    $('[name=q]').value = 'PASS'; $('[name=q]').dispatchEvent(new Event('input', {bubbles: true}));
    $('[name=ip]').value = 'ipv6'; $('[name=ip]').dispatchEvent(new Event('input', {bubbles: true}));
    is('filtered', visible(), 1);
    is('address', location.hash, '#?q=PASS&ip=ipv6');
    $('form').reset(); await settle();
    $('[data-sort=verdict]').click();
    is('sorted', $('#results tbody a').textContent, 'tcp/fail.pkt');
    is('aria-sort', $('[data-sort=verdict]').closest('th').getAttribute('aria-sort'), 'ascending');
    $('form').reset(); await settle();

    location.hash = '#tcp/fail.pkt?q=tcp&sort=-time'; await settle();
    is('filter of a link', $('[name=q]').value, 'tcp');
    is('open', $('#title').textContent, '✗ fail tcp/fail.pkt');
    is('focus', document.activeElement.id, 'title');
    is('differing fields', all('.sides .differ').length, 3);
    is('marks', all('.sides .carets td').map(e => e.textContent).join(''), '^^^^');
    is('kinds', all('.chart .row').map(e => e.classList[1]).join(' '), 'k-call k-inject k-match k-code k-gap k-call k-wrong k-other k-extra k-gap k-missing');
    is('picked', all('.picked').map(e => e.id).join(), 'c6,l9');
    $('#c5').dispatchEvent(new MouseEvent('click', {bubbles: true}));
    is('clicked', all('.picked').map(e => e.id).join(), 'c5,l8');
    $('#l6').click();
    is('clicked in a block', all('.picked').map(e => e.id).join(), 'c3,l5,l6,l7');
    $('#l3').dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
    is('hovered', all('.hover').map(e => e.id).join(), 'c1,l3');
    $('#c1').focus(); await press('ArrowDown'); await press('Enter');
    is('by keys', all('.picked').map(e => e.id).join(), 'c2,l4');
    is('output', $('.output').textContent.startsWith('it printed <' + '/script><' + 'script>'), true);
    all('.reveal')[1].click();
    is('shown in the chart', all('.picked').map(e => e.id).join(), 'c10,l10');
    await press('Escape');
    is('back', $('#detail').hidden, true);
    is('focus after it', document.activeElement.textContent, 'tcp/fail.pkt');
    await press('j'); document.activeElement.click(); await settle();
    const second = $('#title').textContent;
    await press('k'); await press('j');
    is('to and fro', $('#title').textContent, second);
    await press('Escape'); $('form').reset(); await settle();

    for (const a of all('#results tbody a')) {
      a.click(); await settle();
      narrow(a.textContent);
      if (!$('svg.chart')) continue;
      const boxes = all('svg.chart text').map(e => ({e, b: e.getBBox(), view: e.ownerSVGElement.viewBox.baseVal}));
      boxes.forEach(({e, b, view}, i) => {
        if (b.x < 0 || b.x + b.width > view.width || b.y < view.y || b.y + b.height > view.y + view.height) say('outside: ' + e.textContent);
        for (const {e: f, b: c} of boxes.slice(i + 1)) {
          if (b.x < c.x + c.width && c.x < b.x + b.width && b.y + 1 < c.y + c.height && c.y + 1 < b.y + b.height) say('overlap: ' + e.textContent + ' / ' + f.textContent);
        }
      });
    }
    if (document.querySelector('img')) say('an image');
  } catch (e) { say('thrown: ' + e.stack); }
  const out = document.createElement('pre');
  out.id = 'probe';
  out.textContent = found.join('\n') || 'fine';
  document.body.append(out);
});
`

// In a browser, the page does what it says, on a desk and on a phone.
func TestHTMLInBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium isn't installed")
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	if err := os.WriteFile(page, []byte(htmlOf(htmlRuns(), probe)), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]string{"desk": "1440,900", "phone": "390,844"} {
		t.Run(name, func(t *testing.T) {
			// It may hang where it has no display or no /dev/shm: that is no fault of the page.
			cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
				"--hide-scrollbars", "--user-data-dir="+filepath.Join(dir, name), "--window-size="+size, "--virtual-time-budget=20000", "--dump-dom", "file://"+page)
			cmd.WaitDelay = time.Second
			timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			dom, err := cmd.Output()
			if err != nil {
				t.Skipf("chromium doesn't run here: %v", err)
			}
			got := regexp.MustCompile(`(?s)<pre id="probe">(.*?)</pre>`).FindSubmatch(dom)
			if got == nil {
				t.Fatal("the page's program came to no end")
			}
			if text := html.UnescapeString(string(got[1])); text != "fine" {
				t.Error(text)
			}
		})
	}
}
