'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const list = $('list'), detail = $('detail'), form = $('filters'), body = $('results').tBodies[0];
  const results = data.results.map((r, i) => ({...r, i, row: $('r' + i), link: $('r' + i).querySelector('a')}));
  const byID = new Map(results.map(r => [r.id, r]));
  const order = ['fail', 'error', 'inconclusive', 'unsupported', 'pass'];
  let shown = results, open = null, sort = '', last = null;

  // h makes an element. Texts are texts: nothing of a script is ever read as markup.
  function h(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) {
      if (typeof v === 'function') e.addEventListener(k, v);
      else if (v !== null && v !== undefined && v !== false) e.setAttribute(k, v === true ? '' : v);
    }
    e.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false && c !== ''));
    return e;
  }

  // The part of the address after # is the open result's id, then ? and the filters.
  const boxes = () => [...form.querySelectorAll('[name=verdict]')];
  function address(id) {
    const p = new URLSearchParams();
    const on = boxes().filter(b => b.checked);
    if (on.length < boxes().length) p.set('verdict', on.map(b => b.value).join());
    for (const name of ['q', 'stack', 'ip']) if (form[name] && form[name].value) p.set(name, form[name].value);
    if (sort) p.set('sort', sort);
    const query = p.toString();
    return '#' + encodeURIComponent(id || '').replace(/%2F/g, '/').replace(/%40/g, '@') + (query ? '?' + query : '');
  }

  function readAddress() {
    const hash = location.hash.slice(1), cut = hash.indexOf('?');
    let id = cut < 0 ? hash : hash.slice(0, cut);
    try { id = decodeURIComponent(id); } catch { /* as it is */ }
    if (cut >= 0) {
      const p = new URLSearchParams(hash.slice(cut + 1));
      for (const b of boxes()) b.checked = !p.has('verdict') || p.get('verdict').split(',').includes(b.value);
      for (const name of ['q', 'stack', 'ip']) if (form[name]) form[name].value = p.get(name) || '';
      sort = p.get('sort') || '';
    }
    filter();
    show(byID.get(id) || null);
  }

  // filter shows the rows that the filters let through, in order.
  function filter() {
    const on = new Set(boxes().filter(b => b.checked).map(b => b.value));
    const q = form.q.value.trim().toLowerCase(), stack = form.stack?.value, ip = form.ip?.value;
    shown = results.filter(r => on.has(r.verdict) && r.script.toLowerCase().includes(q) &&
      (!stack || r.stack === stack) && (!ip || r.ip === ip));
    const [key, down] = sort.startsWith('-') ? [sort.slice(1), -1] : [sort, 1];
    const by = {
      name: (a, b) => a.script < b.script ? -1 : a.script > b.script ? 1 : 0,
      verdict: (a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict),
      time: (a, b) => a.seconds - b.seconds,
    }[key];
    if (by) shown.sort((a, b) => down * by(a, b) || a.i - b.i);
    body.replaceChildren(...shown.map(r => r.row));
    $('none').hidden = shown.length > 0;
    $('shown').textContent = shown.length === results.length ? `${results.length} shown` : `${shown.length} of ${results.length} shown`;
    for (const b of document.querySelectorAll('[data-sort]')) {
      b.closest('th').setAttribute('aria-sort', b.dataset.sort !== key ? 'none' : down > 0 ? 'ascending' : 'descending');
    }
  }

  function changed() {
    filter();
    history.replaceState(null, '', address(open && open.id));
  }
  form.addEventListener('input', changed);
  form.addEventListener('submit', e => e.preventDefault());
  form.addEventListener('reset', () => setTimeout(() => { sort = ''; changed(); }));
  for (const b of document.querySelectorAll('[data-sort]')) {
    b.addEventListener('click', () => {
      sort = sort === b.dataset.sort ? '-' + sort : b.dataset.sort;
      changed();
    });
  }

  // go opens a result, or the list if there is none, so that the browser's back button
  // leads back.
  const go = r => { location.hash = address(r && r.id); };

  function show(r) {
    if (r && r === open) return;
    const was = open;
    open = r;
    list.hidden = !!r;
    detail.hidden = !r;
    document.body.classList.toggle('one', !!r);
    if (!r) {
      detail.replaceChildren();
      if (was) {
        was.link.focus();
        was.row.scrollIntoView({block: 'nearest'});
      }
      return;
    }
    last = r;
    fill(r);
    scrollTo(0, 0);
    $('title').focus({preventScroll: true});
  }

  // step goes to the next result of those shown, or the one before.
  function step(by) {
    const at = open || results.find(r => r.link === document.activeElement);
    const i = at ? shown.indexOf(at) + by : by > 0 ? 0 : -1;
    const to = shown[i];
    if (!to) return;
    if (open) go(to);
    else to.link.focus();
  }

  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const typing = e.target.matches('input[type=search], select');
    const inside = e.target.closest('[role=listbox]');
    switch (e.key) {
      case 'Escape':
        if (open) go(null);
        else if (typing) e.target.blur();
        else return;
        break;
      case 'j': case 'ArrowDown': case 'ArrowRight':
        if (typing || e.key !== 'j' && (inside || (open ? e.key === 'ArrowDown' : e.key === 'ArrowRight' || !e.target.closest('tbody')))) return;
        step(1);
        break;
      case 'k': case 'ArrowUp': case 'ArrowLeft':
        if (typing || e.key !== 'k' && (inside || (open ? e.key === 'ArrowUp' : e.key === 'ArrowLeft' || !e.target.closest('tbody')))) return;
        step(-1);
        break;
      case '/':
        if (typing || open) return;
        form.q.focus();
        break;
      default: return;
    }
    e.preventDefault();
  });

  // fill makes the page of one result.
  function fill(r) {
    const at = shown.indexOf(r);
    const move = (i, text, key) => h('button', {type: 'button', disabled: !shown[i], title: key, click: () => go(shown[i])}, text);
    const source = JSON.parse(JSON.stringify(data.sources[r.source]));
    const chartBox = h('div', {class: 'chartbox'});
    const lines = sourceList(r, source);
    detail.replaceChildren(...[
      h('nav', {'aria-label': 'Results'},
        h('button', {type: 'button', title: 'Esc', click: () => go(null)}, '← All results'),
        move(at - 1, '↑ Previous', 'k'), move(at + 1, '↓ Next', 'j'),
        at >= 0 && h('span', {class: 'why'}, `${at + 1} of ${shown.length}`)),
      h('h2', {id: 'title', tabindex: '-1'},
        h('span', {class: 'verdict ' + r.verdict}, h('span', {'aria-hidden': 'true'}, r.icon), ' ' + r.verdict), ' ', r.script),
      h('p', {class: 'when'}, `${r.stack}, ${r.ip}, ${r.time}${r.virtual ? ' of virtual time' : ''}` +
        (r.reruns ? `, run ${r.reruns + 1} times: the harness was late` : '')),
      r.differs && h('p', {class: 'note'}, `Differs as expected: ${r.differs}`),
      ...problems(r),
      h('div', {class: 'two'},
        h('section', {'aria-label': 'Chart'},
          h('details', {class: 'legend'}, h('summary', {}, 'What the signs mean'), drawChart.legend()),
          chartBox),
        h('section', {class: 'script', 'aria-label': 'Script'}, lines)),
      r.output && h('section', {}, h('h3', {}, 'The script printed'), h('pre', {tabindex: '0', class: 'output'}, r.output)),
      r.read && h('details', {}, h('summary', {}, "The socket's state, as code blocks read it"), readings(r.read)),
      r.harness && h('section', {}, h('h3', {}, 'The harness'), h('ul', {}, r.harness.map(t => h('li', {}, t)))),
    ].filter(Boolean));
    join(r, source, chartBox, lines);
  }

  function problems(r) {
    const all = [...(r.failures || []), ...(r.warnings || [])];
    const parts = all.slice(0, 3).map(problem);
    if (all.length > 3) parts.push(h('details', {}, h('summary', {}, `${all.length - 3} more`), all.slice(3).map(problem)));
    if (r.leftout) parts.push(h('p', {class: 'note'}, `${r.leftout} more are left out: see run -v.`));
    return parts;
  }

  // problem is a failure or a warning: where, what, and what differs.
  function problem(f) {
    const table = f.fields && sides(f);
    return h('section', {class: 'problem' + (f.label === 'warning: ' || f.label === 'as expected: ' ? ' warned' : '')},
      h('h3', {}, f.label, f.summary),
      h('pre', {tabindex: '0', class: 'place', 'aria-label': 'Where'}, f.place + (f.text === undefined ? '' : `\n${f.text}\n${f.caret || ''}`)),
      table && h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Expected and seen'}, table),
      (f.notes || []).map(n => h('p', {class: 'noted'}, n)),
      f.line && h('button', {type: 'button', class: 'reveal', 'data-line': f.line}, 'Show in the chart'));
  }

  // sides has a column for each field; where there is little room, a row (see page.css).
  function sides(f) {
    const differs = f.fields.some(d => d.differ);
    const cell = (d, text) => d.differ && text ? h('td', {class: 'differ'}, h('mark', {}, text)) : h('td', {}, text);
    const table = h('table', {class: 'sides'},
      h('thead', {}, h('tr', {}, h('td'), f.fields.map(d => h('th', {scope: 'col'}, d.name.replace(/^option \d+$/, 'option').replace('direction', ''))))),
      h('tbody', {},
        h('tr', {}, h('th', {scope: 'row'}, 'want'), f.fields.map(d => cell(d, d.want))),
        h('tr', {}, h('th', {scope: 'row'}, 'got'), f.nothing ? h('td', {colspan: f.fields.length}, 'nothing') : f.fields.map(d => cell(d, d.got))),
        differs && h('tr', {class: 'carets', 'aria-hidden': 'true'}, h('td'),
          f.fields.map(d => h('td', {}, d.differ ? '^'.repeat(Math.max(d.want.length, d.got.length)) : '')))));
    table.style.setProperty('--rows', f.fields.length + 1);
    return table;
  }

  const stateNames = {p: ['✓', 'passed'], f: ['✗', 'failed here'], s: ['?', 'stopped here'], w: ['!', 'warning here'], n: ['·', 'not reached'], u: ['○', 'not evaluated, as the run failed']};

  // sourceList is the script with its lines' numbers and what became of them.
  function sourceList(r, source) {
    const texts = source.text.replace(/\n$/, '').split('\n');
    const used = new Set([...r.lines]);
    const box = h('div', {class: 'source', role: 'listbox', 'aria-label': `${r.script}, ${texts.length} lines`});
    texts.forEach((text, i) => {
      const state = r.lines[i] || '.', [sign, words] = stateNames[state] || ['', ''];
      box.append(h('div', {class: 'line s-' + (state === '.' ? 'none' : state), role: 'option', id: 'l' + (i + 1), tabindex: '-1', 'aria-selected': 'false',
        'aria-label': `line ${i + 1}${words && ', ' + words}: ${text}`},
      h('span', {class: 'number'}, String(i + 1)), h('span', {class: 'state', title: words}, sign), h('code', {}, text || ' ')));
    });
    return [h('p', {class: 'states'}, Object.entries(stateNames).filter(([s]) => used.has(s)).map(([s, [sign, words]]) => h('span', {class: 's-' + s}, h('span', {class: 'state'}, sign), ' ', words))), box];
  }

  function readings(read) {
    return h('table', {class: 'readings'},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Line'), h('th', {scope: 'col'}, 'Seconds'), h('th', {scope: 'col'}, 'Read'))),
      h('tbody', {}, read.map(v => h('tr', {}, h('td', {}, String(v.line)), h('td', {}, v.at), h('td', {}, v.text)))));
  }

  // join draws the chart, and lets its rows and the script's lines point at each other.
  function join(r, source, chartBox, [, sourceBox]) {
    const chart = data.charts[r.chart];
    const first = new Map(); // of an event with several lines, by each of them
    for (const [from, to] of source.spans || []) for (let l = from; l <= to; l++) first.set(l, from);
    const start = l => first.get(l) || l;
    const lines = [...sourceBox.children];
    const linesOf = l => lines.filter((_, i) => start(i + 1) === l);
    let rows = [], picked = 0;

    const mark = (cls, l) => {
      for (const e of detail.querySelectorAll('.' + cls)) {
        e.classList.remove(cls);
        if (cls === 'picked') e.setAttribute('aria-selected', 'false');
      }
      if (!l) return;
      for (const e of [...rows.filter((_, i) => chart.rows[i].l === l), ...linesOf(l)]) {
        e.classList.add(cls);
        if (cls === 'picked') e.setAttribute('aria-selected', 'true');
      }
    };
    const pick = (l, reveal) => {
      picked = l;
      mark('picked', l);
      const to = reveal === sourceBox ? linesOf(l)[0] : rows.find((_, i) => chart.rows[i].l === l);
      if (to) to.scrollIntoView({block: reveal === sourceBox ? 'nearest' : 'center'});
    };
    const lineAt = e => {
      const row = e.target.closest('.row'), line = e.target.closest('.line');
      if (row) return chart.rows[rows.indexOf(row)]?.l || 0;
      return line ? start(lines.indexOf(line) + 1) : 0;
    };
    // Each of the two is one stop for Tab; arrows go through it.
    const listen = (box, items, other) => {
      box.addEventListener('mouseover', e => mark('hover', lineAt(e)));
      box.addEventListener('mouseleave', () => mark('hover', 0));
      box.addEventListener('focusin', e => mark('hover', lineAt(e)));
      box.addEventListener('focusout', () => mark('hover', 0));
      box.addEventListener('click', e => { if (lineAt(e)) pick(lineAt(e), other); });
      box.addEventListener('keydown', e => {
        const all = items(), i = all.indexOf(document.activeElement);
        const to = {ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: all.length - 1}[e.key];
        if (to !== undefined && all[to]) focus(all, to);
        else if ((e.key === 'Enter' || e.key === ' ') && lineAt(e)) pick(lineAt(e), other);
        else return;
        e.preventDefault();
      });
      const all = items();
      if (all.length) all[Math.max(0, all.findIndex(e => e.matches('.s-f, .s-s, .k-wrong, .k-missing, .bad')))].tabIndex = 0;
    };
    const focus = (all, i) => {
      for (const e of all) e.tabIndex = -1;
      all[i].tabIndex = 0;
      all[i].focus();
    };
    const draw = () => {
      rows = drawChart(chartBox, chart, {names: [r.stack], sizes: data.sizes, first: 'c', label: `Time sequence, ${chart.rows.length} rows`});
      listen(chartBox.lastElementChild, () => rows.filter(e => e.hasAttribute('tabindex')), sourceBox);
      mark('picked', picked);
    };

    if (chart.rows.length) {
      draw();
      let width = chartBox.clientWidth;
      new ResizeObserver(() => {
        if (chartBox.isConnected && chartBox.clientWidth !== width) {
          width = chartBox.clientWidth;
          draw();
        }
      }).observe(chartBox);
    } else {
      chartBox.append(h('p', {class: 'note'}, 'Nothing happened.'));
    }
    listen(sourceBox, () => lines, chartBox);
    for (const b of detail.querySelectorAll('.reveal')) {
      const l = start(+b.dataset.line);
      b.hidden = !chart.rows.some(row => row.l === l);
      b.addEventListener('click', () => {
        pick(l, sourceBox);
        pick(l, chartBox);
      });
    }
    const failed = (r.failures || []).find(f => f.line);
    if (failed) {
      picked = start(failed.line);
      mark('picked', picked);
      const line = linesOf(picked)[0]; // the page itself stays at its top
      if (line) sourceBox.scrollTop = line.offsetTop - sourceBox.clientHeight / 2;
    }
  }

  addEventListener('hashchange', readAddress);
  if (results.length === 1 && !location.hash) history.replaceState(null, '', address(results[0].id));
  readAddress();
})();
