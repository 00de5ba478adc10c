'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const order = ['fail', 'error', 'inconclusive', 'unsupported', 'pass'];

  // parts are the page of one result.
  function parts(r) {
    return [
      h('h2', {id: 'title', tabindex: '-1'},
        h('span', {class: 'verdict ' + r.verdict}, h('span', {'aria-hidden': 'true'}, r.icon), ' ' + r.verdict), ' ', r.script),
      h('p', {class: 'when'}, `${r.stack}, ${r.ip}, ${r.time}${r.virtual ? ' of virtual time' : ''}` +
        (r.reruns ? `, run ${r.reruns + 1} times: the harness was late` : '')),
      r.differs && h('p', {class: 'note'}, `Differs as expected: ${r.differs}`),
      ...problems(r),
      h('div', {class: 'two'},
        h('section', {'aria-label': 'Chart'},
          h('details', {class: 'legend'}, h('summary', {}, 'What the signs mean'), drawChart.legend()),
          h('div', {class: 'chartbox'}), h('button', {type: 'button', class: 'save'}, 'Save the chart as SVG')),
        h('section', {class: 'script', 'aria-label': 'Script'}, sourceList(r, data.sources[r.source]))),
      r.output && h('section', {}, h('h3', {}, 'The script printed'), h('pre', {tabindex: '0', class: 'output'}, r.output)),
      r.read && h('details', {}, h('summary', {}, "The socket's state, as code blocks read it"), readings(r.read)),
      r.harness && h('section', {}, h('h3', {}, 'The harness'), h('ul', {}, r.harness.map(t => h('li', {}, t)))),
    ];
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

  // join lets the chart's rows and the script's lines point at each other.
  function join(r, detail) {
    const chart = data.charts[r.chart], chartBox = detail.querySelector('.chartbox'), sourceBox = detail.querySelector('.source');
    const first = new Map(); // of an event with several lines, by each of them
    for (const [from, to] of data.sources[r.source].spans || []) for (let l = from; l <= to; l++) first.set(l, from);
    const start = l => first.get(l) || l;
    const lines = [...sourceBox.children], numbers = new Map(lines.map((e, i) => [e, start(i + 1)]));
    const pick = linkChart({
      chart, chartBox, boxes: [sourceBox], lineOf: e => numbers.get(e), lead: '.s-f, .s-s, .k-wrong, .k-missing, .bad',
      drawing: {names: [r.stack], sizes: data.sizes, lines: true}, name: r.script, save: detail.querySelector('.save'),
    });
    for (const b of detail.querySelectorAll('.reveal')) {
      const l = start(+b.dataset.line);
      b.hidden = !chart.rows.some(row => row.l === l);
      b.addEventListener('click', () => {
        pick(l, chartBox);
        pick(l, sourceBox);
      });
    }
    const failed = (r.failures || []).find(f => f.line);
    if (failed) {
      const l = start(failed.line), line = lines.find(e => numbers.get(e) === l);
      pick(l, null);
      if (line) sourceBox.scrollTop = line.offsetTop - sourceBox.clientHeight / 2; // the page itself stays at its top
    }
  }

  listPage({
    results: data.results, boxes: 'verdict', fields: ['q', 'stack', 'ip'],
    shows: (r, on, {q, stack, ip}) => on.has(r.verdict) && r.script.toLowerCase().includes(q) && (!stack || r.stack === stack) && (!ip || r.ip === ip),
    sorts: {
      name: (a, b) => a.script < b.script ? -1 : a.script > b.script ? 1 : 0,
      verdict: (a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict),
      time: (a, b) => a.seconds - b.seconds,
    },
    fill: parts, drawn: join,
  });
})();
