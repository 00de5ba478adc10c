'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const signs = {
    inject: 'given to the stack', match: 'sent, as the reference does', wrong: 'sent, but not as by the reference',
    missing: 'sent by the reference, but not here', extra: 'sent here, but not by the reference', other: "another socket's, or not compared",
  };
  const words = {
    reference: () => 'the reference', same: () => '= does the same', apart: () => 'not compared',
    differs: c => `≠ ${c.count} ${c.count === 1 ? 'difference' : 'differences'}`,
  };

  // parts are the page of one script.
  function parts(r) {
    const name = r.script.split('/').pop();
    return [
      h('h2', {id: 'title', tabindex: '-1'}, r.differs ? h('span', {class: 'is-differs'}, '≠ ') : '', r.script),
      h('p', {class: 'when'}, r.ip),
      h('ul', {class: 'said'}, r.stacks.map((c, i) => h('li', {class: 'of-' + c.state},
        h('strong', {}, data.stacks[i]), ' ', h('span', {class: c.verdict}, h('span', {'aria-hidden': 'true'}, c.icon), ' ' + c.verdict), ' ',
        h('span', {class: 'is-' + c.state}, words[c.state](c)), statements(c)))),
      h('div', {class: data.stacks.length > 2 ? 'below' : 'two'},
        h('section', {'aria-label': 'Chart'},
          h('details', {class: 'legend'}, h('summary', {}, 'What the signs mean'), drawChart.legend(signs)),
          h('div', {class: 'chartbox'}), h('button', {type: 'button', class: 'save'}, 'Save the chart as SVG')),
        h('section', {class: 'traces', 'aria-label': 'Traces'},
          r.stacks.map((c, i) => c.lines && trace(c.lines, i, name)))),
    ];
  }

  function statements(c) {
    if (!c.says) return null;
    return h('ul', {}, c.says.map(t => h('li', {}, t)), c.leftout && h('li', {class: 'note'}, `${c.leftout} more are left out: see compare.`));
  }

  // trace is what a stack did and what the reference did, as diff writes it.
  function trace(lines, i, script) {
    const kinds = {'-': ['minus', `only ${data.stacks[0]}: `], '+': ['plus', `only ${data.stacks[i]}: `], ' ': ['both', '']};
    const box = h('div', {class: 'source diff', role: 'listbox', 'aria-label': `Traces of ${data.stacks[0]} and ${data.stacks[i]}, ${lines.length} lines`});
    for (const l of lines) {
      const [kind, spoken] = kinds[l.s];
      box.append(h('div', {class: 'line d-' + kind, role: 'option', tabindex: '-1', 'aria-selected': 'false', 'data-group': l.g || 0,
        'aria-label': spoken + l.t + (l.d ? `, differs in ${l.d}` : '')},
      h('span', {class: 'state'}, l.s.trim()), h('code', {}, l.t, l.d && h('span', {class: 'differs'}, '  ← ' + l.d))));
    }
    return h('div', {}, h('h3', {}, h('span', {class: 'd-minus'}, '− ', data.stacks[0]), ', ', h('span', {class: 'd-plus'}, '+ ', data.stacks[i])), box);
  }

  // join lets the chart's rows and the traces' lines point at each other.
  function join(r, detail) {
    linkChart({
      chart: data.charts[r.chart], chartBox: detail.querySelector('.chartbox'), boxes: [...detail.querySelectorAll('.diff')],
      lineOf: e => +e.dataset.group, lead: '.d-minus, .d-plus, .k-wrong, .k-missing, .k-extra, .bad',
      drawing: {names: data.stacks, sizes: data.sizes, signs}, name: r.script, save: detail.querySelector('.save'),
    });
  }

  // A script is let through if one of the stacks, or the one that is chosen, is like that.
  function shows(r, on, {q, only, stack, what, ip}) {
    const chosen = r.stacks.filter((c, i) => i && (!stack || data.stacks[i] === stack));
    return (!q || r.script.toLowerCase().includes(q) || chosen.some(c => (c.says || []).some(t => t.toLowerCase().includes(q)))) &&
      (!only || chosen.some(c => c.state === 'differs')) && (!what || chosen.some(c => (c.whats || []).includes(what))) && (!ip || r.ip === ip);
  }

  const sorts = {name: (a, b) => a.script < b.script ? -1 : a.script > b.script ? 1 : 0};
  data.stacks.forEach((_, i) => { sorts[i] = (a, b) => (b.stacks[i].count || 0) - (a.stacks[i].count || 0); });
  listPage({results: data.results, boxes: 'none', fields: ['q', 'only', 'stack', 'what', 'ip'], shows, sorts, fill: parts, drawn: join});
})();
