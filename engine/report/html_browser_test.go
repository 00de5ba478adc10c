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

// probe makes a program that goes through a page as a reader does, and leaves what it
// found wrong in an element that --dump-dom shows.
func probe(steps string) string { return probeHead + steps + probeTail }

const probeHead = `
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
  // No text is outside of its picture or on another.
  const apart = texts => {
    const boxes = texts.map(e => ({e, b: e.getBBox(), view: e.ownerSVGElement.viewBox.baseVal}));
    boxes.forEach(({e, b, view}, i) => {
      if (b.x < 0 || b.x + b.width > view.width || b.y < view.y || b.y + b.height > view.y + view.height) say('outside: ' + e.textContent);
      for (const {e: f, b: c} of boxes.slice(i + 1)) {
        if (b.x < c.x + c.width && c.x < b.x + b.width && b.y + 1 < c.y + c.height && c.y + 1 < b.y + b.height) say('overlap: ' + e.textContent + ' / ' + f.textContent);
      }
    });
  };
  // Each result's page has a chart, which can be had as a file that says the same.
  const charts = async () => {
    let file = '', saved = '';
    window.Blob = function (parts) { file = parts.join(''); };
    URL.createObjectURL = () => 'blob:none';
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () { this.download ? saved = this.download : click.call(this); };
    for (const a of all('#results tbody a')) {
      a.click(); await settle();
      narrow(a.textContent);
      apart(all('svg.chart text'));
      is('can be saved', !!$('.save'), !!$('svg.chart'));
      if (!$('.save')) continue;
      $('.save').click();
      is('saved as', saved, a.textContent.split('/').pop().replace(/\.pkt$/, '') + '.svg');
      const style = file.match(/<style>([^]*?)<\/style>/);
      is('in its style', /url\(|@import/.test(style[1]), false);
      // Here it has the page's style; its own is forbidden.
      const svg = new DOMParser().parseFromString(file.replace(style[0], ''), 'image/svg+xml').documentElement;
      is('texts in the file', [...svg.querySelectorAll('text')].map(e => e.textContent).join('\n'), all('.ends text, svg.chart text').map(e => e.textContent).join('\n'));
      is('other things in it', svg.querySelectorAll('script, image, [href], [role=option], [tabindex]').length, 0);
      $('main').append(svg);
      apart([...svg.querySelectorAll('text')]);
      svg.remove();
    }
  };
  try {
    await settle();
`

const runSteps = `
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

    await charts();
`

const compareSteps = `
    const picked = () => all('.picked').map(e => e.id || e.querySelector('.state').textContent).join();
    is('results', visible(), 4);
    narrow('the list');
    $('[name=only]').click();
    is('what differs', visible(), 2);
    $('[name=stack]').value = 'stack2'; $('[name=stack]').dispatchEvent(new Event('input', {bubbles: true}));
    is('what differs on a stack', visible(), 0);
    is('nothing', $('#none').hidden, false);
    is('address', location.hash, '#?only=1&stack=stack2');
    $('form').reset(); await settle();
    $('[name=what]').value = 'extra'; $('[name=what]').dispatchEvent(new Event('input', {bubbles: true}));
    is('a kind', visible(), 1);
    $('form').reset(); await settle();
    $('[name=q]').value = 'PROBE below'; $('[name=q]').dispatchEvent(new Event('input', {bubbles: true}));
    is('a statement', visible(), 1);
    $('form').reset(); await settle();
    $('[data-sort="1"]').click();
    is('sorted', $('#results tbody a').textContent, 'tcp/differs.pkt');
    $('form').reset(); await settle();

    location.hash = '#tcp/differs.pkt?only=1&q=tcp'; await settle();
    is('filter of a link', $('[name=only]').checked, true);
    is('open', $('#title').textContent, '≠ tcp/differs.pkt');
    is('statements', all('.said > li').map(e => e.querySelectorAll('li').length).join(), '0,7,0');
    is('lanes', all('.ends .end').map(e => e.textContent).filter(t => t.startsWith('stack')).join(), 'stack0,stack1,stack2');
    is('kinds', ['wrong', 'missing', 'extra', 'match'].map(k => all('.chart .row.k-' + k).length).join(), '2,1,2,7');
    is('said in rows', all('.chart .noted-row').map(e => e.textContent).filter(t => t.startsWith('≠')).length, 7);
    is('spoken', $('.chart .k-missing').getAttribute('aria-label'), 'stack1, at 0.0700 s, sent by the reference, but not here, ! P. 1001:2001(1000) ack 1 win 502 (tlp) ≠ no retransmission of 1001:2001 (tlp)');
    is('traces', all('.diff').length, 1);
    is('lines', all('.diff .d-minus').length + ' ' + all('.diff .d-plus').length, '4 5');
    $('.chart .k-missing').dispatchEvent(new MouseEvent('click', {bubbles: true}));
    is('clicked', all('.picked').length, 4); // the reference's, this, the third's, and a line
    all('.diff .d-plus')[0].click();
    is('clicked in the traces', all('.picked.row').length + ' ' + all('.picked.line').length, '4 3');
    $('.chart .k-missing').focus(); await press('ArrowLeft'); await press('Enter');
    is('to the left', document.activeElement.getAttribute('aria-label').startsWith('stack0, at 0.0700 s'), true);
    await press('ArrowUp');
    is('up', document.activeElement.getAttribute('aria-label').startsWith('stack0, at 0.0300 s, code'), true);
    is('still there', $('#title').textContent, '≠ tcp/differs.pkt');
    await press('Escape');
    is('back', $('#detail').hidden, true);
    await press('j'); document.activeElement.click(); await settle();
    is('the next', $('#title').textContent.startsWith('≠ tcp/stops</' + 'script>'), true);
    await press('Escape'); $('form').reset(); await settle();
    await charts();
`

const probeTail = `
    if (document.querySelector('img')) say('an image');
  } catch (e) { say('thrown: ' + e.stack); }
  const out = document.createElement('pre');
  out.id = 'probe';
  out.textContent = found.join('\n') || 'fine';
  document.body.append(out);
});
`

// In a browser, the page does what it says, on a desk and on a phone.
func TestHTMLInBrowser(t *testing.T) { browse(t, htmlOf(htmlRuns(), probe(runSteps))) }

// So does the one that compares stacks.
func TestCompareHTMLInBrowser(t *testing.T) { browse(t, compareOf(compared(t), probe(compareSteps))) }

// browse opens a page that has a probe, and reports what that found wrong.
func browse(t *testing.T, text string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium isn't installed")
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
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
