'use strict';

// drawChart draws a chart that is laid out (engine/report/chart.go says how high things
// are; here is how wide, and what they look like) into an element, and returns the
// rows' elements. Options: names, of the stacks; sizes, of a label; label, for those
// who don't see it; first, what ids start with; lines, whether rows are of a script's
// lines; signs, what the kinds of segments mean, if not what they mean in a run.
//
// Each lane has two ends: the script's, left, and the stack's, right. What the stack is
// called to do stands beside its end, or between the two where there is little room.
const drawChart = (() => {
  const span = 338, glyph = 7.25, beside = 14;
  const usual = {
    inject: 'given to the stack', match: 'sent, as expected', wrong: 'sent, but not as expected',
    missing: 'expected, but not sent', extra: 'sent, and no line expects it', other: "another socket's",
  };

  // el makes an SVG element; what it is called, and its texts, are never read as markup.
  function el(name, attributes, ...children) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    e.append(...children);
    return e;
  }

  // shortened is a stack's name that fits above the chart: of a kernel's path, the end.
  const shortened = name => name.length > 26 ? '…' + name.slice(-25) : name;

  function draw(container, chart, options) {
    const {sizes} = options, signs = options.signs || usual;
    const gutter = options.lines ? 84 : 60;
    const labels = sizes.label * glyph;
    const wideLane = span + beside + labels + 6, narrowLane = span + (chart.lanes > 1 ? 36 : 10);
    const wide = container.clientWidth >= gutter + chart.lanes * wideLane;
    const lane = wide ? wideLane : narrowLane;
    const width = gutter + chart.lanes * lane;
    const left = i => gutter + i * lane, right = i => left(i) + span;
    const end = i => i + 1 < chart.lanes ? left(i + 1) - 10 : width - 1;
    const head = 22;

    const heads = el('svg', {class: 'ends', viewBox: `0 0 ${width} ${head}`, 'aria-hidden': 'true'},
      el('text', {class: 'tick', x: 45, y: 15, 'text-anchor': 'end'}, 'time'),
      options.lines ? el('text', {class: 'tick', x: 77, y: 15, 'text-anchor': 'end'}, 'line') : '');
    const box = document.createElement('div');
    box.setAttribute('role', 'listbox');
    box.setAttribute('aria-label', options.label);
    for (let i = 0; i < chart.lanes; i++) {
      heads.append(
        el('text', {class: 'end', x: left(i) - 4, y: 15}, 'remote (script)'),
        el('text', {class: 'end', x: right(i) + 4, y: 15, 'text-anchor': 'end'}, shortened(options.names[i])));
    }
    // A chart is cut into pictures, one below the other, between which paper can be turned.
    let svg, bottom = 0, time = '';
    const part = y => {
      svg?.setAttribute('viewBox', `0 ${+svg.dataset.from} ${width} ${y - svg.dataset.from}`);
      svg = el('svg', {class: 'chart', 'data-from': y, role: 'none'});
      box.append(svg);
    };
    part(0);
    const rows = chart.rows.map((r, i) => {
      if (r.y >= bottom && r.y - svg.dataset.from > 300) part(r.y);
      bottom = Math.max(bottom, r.y + r.h);
      const lane = r.n || 0;
      time = r.t || time;
      const g = el('g', {class: `row k-${r.k}${r.bad ? ' bad' : ''}`});
      if (r.k === 'gap' || r.k === 'cut') {
        for (let n = 0; n < chart.lanes; n++) if (r.k === 'gap' || n === lane) pause(g, r, left(n), right(n));
        svg.append(g);
        return g;
      }
      g.setAttribute('role', 'option');
      g.setAttribute('id', `${options.first}${i}`);
      g.setAttribute('tabindex', '-1');
      g.setAttribute('aria-selected', 'false');
      g.setAttribute('aria-label', spoken(r, time, options, signs));
      g.append(el('rect', {class: 'hit', x: lane ? left(lane) - 8 : 1, y: r.y, width: end(lane) - (lane ? left(lane) - 8 : 1), height: r.h, rx: 3}));
      for (const x of [left(lane), right(lane)]) g.append(el('line', {class: 'life', x1: x, x2: x, y1: r.y, y2: r.y + r.h}));
      if (r.t) g.append(el('text', {class: 'tick', x: 52, y: r.y + 12, 'text-anchor': 'end'}, r.t));
      if (options.lines && r.l && (!lane || r.t)) g.append(el('text', {class: 'tick', x: 77, y: r.y + 12, 'text-anchor': 'end'}, r.l));
      if (signs[r.k]) segment(g, r, left(lane), right(lane), sizes);
      else event(g, r, right(lane), wide, sizes);
      svg.append(g);
      return g;
    });
    part(chart.h + 12);
    svg.remove();
    for (const s of box.children) {
      const {y, height} = s.viewBox.baseVal;
      for (let i = 0; i < chart.lanes; i++) {
        for (const x of [left(i), right(i)]) s.prepend(el('line', {class: 'life', x1: x, x2: x, y1: y, y2: y + height}));
      }
    }
    // Several lanes that would be too small to read are as wide as they have to be.
    const least = chart.lanes > 1 ? width * .85 : 0;
    container.classList.toggle('sideways', container.clientWidth < least);
    for (const s of [heads, ...box.children]) {
      s.style.maxWidth = width * 1.1 + 'px';
      s.style.minWidth = least + 'px';
    }
    container.replaceChildren(heads, box);
    return rows;
  }

  // file is a chart as a file of its own: an SVG with its style and its background, which
  // refers to nothing. It is narrow, to be read on a phone as on a desk.
  draw.file = (chart, options) => {
    const box = document.createElement('div'); // not in the page, it has no width
    draw(box, chart, {...options, first: ''});
    const [heads, parts] = box.children, {width, height: head} = heads.viewBox.baseVal;
    const height = head + chart.h + 12;
    const style = ['theme.css', 'chart.css'].map(name => document.querySelector(`style[data-name="${name}"]`).textContent).join('');
    const svg = el('svg', {viewBox: `0 ${-head} ${width} ${height}`, width: Math.round(width * 1.1), height: Math.round(height * 1.1), role: 'img'},
      '\n', el('title', {}, options.label), '\n', el('style', {}, style), '\n', el('rect', {class: 'blank', y: -head, width, height}));
    for (const e of heads.children) e.setAttribute('y', e.getAttribute('y') - head);
    for (const e of [heads, ...parts.children].flatMap(part => [...part.children])) {
      e.querySelectorAll('.hit, .life').forEach(l => l.remove()); // where a row is clicked, and what that covers
      for (const n of e.getAttributeNames().filter(n => /^(id|tabindex|role|aria-.*)$/.test(n))) e.removeAttribute(n);
      svg.append('\n', e);
    }
    svg.append('\n');
    return new XMLSerializer().serializeToString(svg) + '\n';
  };

  // spoken is a row for those who don't see it.
  function spoken(r, time, {lines, names}, signs) {
    const text = [...r.s, ...r.d || []].map(s => s.trim()).join(' ');
    return [names.length > 1 ? names[r.n || 0] : '', lines && r.l ? `line ${r.l}` : '', `at ${time} s`, signs[r.k] || r.k, text].filter(Boolean).join(', ');
  }

  // label writes what a row says, and below it what is said of it.
  function label(g, r, x, y, lineHeight) {
    const t = el('text', {class: 'label'});
    [...r.s, ...r.d || []].forEach((s, i) => t.append(el('tspan', {x, y: y + 12 + i * lineHeight, ...(i >= r.s.length && {class: 'noted-row'})}, s)));
    g.append(t);
  }

  // segment draws an arrow under its label.
  function segment(g, r, left, right, sizes) {
    label(g, r, left + 10, r.y, sizes.line);
    const y = r.y + (r.s.length + (r.d || []).length) * sizes.line + 2;
    arrow(g, r.k, left, right, y, sizes.arrow - 6);
  }

  // arrow draws the line of a segment: which way it goes, and how it came about.
  function arrow(g, kind, left, right, y, slant) {
    const inward = kind === 'inject';
    const [x1, x2] = inward ? [left, right] : [right, left];
    const a = Math.atan2(slant, x2 - x1), tip = [x2, y + slant];
    const at = (back, off) => [tip[0] - back * Math.cos(a) - off * Math.sin(a), tip[1] - back * Math.sin(a) + off * Math.cos(a)].map(n => n.toFixed(1)).join();
    const middle = [(x1 + x2) / 2, y + slant / 2];
    if (kind === 'missing') {
      g.append(el('line', {class: 'arrow', x1, y1: y, x2: x2 + 9, y2: y + slant}),
        el('circle', {class: 'head open', cx: x2 + 5, cy: y + slant, r: 4}),
        el('line', {class: 'cross', x1: x2 + 1, y1: y + slant + 4, x2: x2 + 9, y2: y + slant - 4}));
      return;
    }
    g.append(el('line', {class: 'arrow', x1, y1: y, x2, y2: y + slant}));
    const open = kind === 'extra' || kind === 'other';
    g.append(el(open ? 'polyline' : 'polygon', {class: open ? 'head open' : 'head', points: `${at(9, 4)} ${tip.join()} ${at(9, -4)}`}));
    if (kind === 'wrong') {
      const [x, m] = middle;
      g.append(el('path', {class: 'cross', d: `M${x - 5} ${m - 5}l10 10m0 -10l-10 10`}));
    }
  }

  // event draws what happens at the stack's end.
  function event(g, r, right, wide, sizes) {
    const longest = Math.max(...[...r.s, ...r.d || []].map(s => s.length));
    label(g, r, wide ? right + beside : right - 9 - longest * glyph, r.y, sizes.line);
    const y = r.y + 8;
    switch (r.k) {
      case 'command': g.append(el('path', {class: 'mark', d: `M${right} ${y - 5}l5 5l-5 5l-5 -5z`})); break;
      case 'code': g.append(el('circle', {class: 'mark', cx: right, cy: y, r: 4.5})); break;
      case 'return': g.append(el('rect', {class: 'mark open', x: right - 4, y: y - 4, width: 8, height: 8})); break;
      default: g.append(el('rect', {class: 'mark', x: right - 4, y: y - 4, width: 8, height: 8}));
    }
  }

  // pause draws a break sign over both ends' lines.
  function pause(g, r, left, right) {
    const m = r.y + r.h / 2;
    for (const x of [left, right]) {
      g.append(el('rect', {class: 'blank', x: x - 6, y: m - 5, width: 12, height: 10}),
        el('path', {class: 'break', d: `M${x - 7} ${m - 2}l4.6 -5l4.6 5l4.6 -5M${x - 7} ${m + 7}l4.6 -5l4.6 5l4.6 -5`}));
    }
    g.append(el('text', {class: 'pause', x: (left + right) / 2, y: m + 4, 'text-anchor': 'middle'}, r.s.join(' ')));
  }

  // legend shows what the signs mean.
  draw.legend = (signs = usual) => {
    const list = document.createElement('ul');
    const add = (kind, text, drawn) => {
      const svg = el('svg', {class: 'sample', viewBox: '0 0 76 16', width: 76, height: 16, 'aria-hidden': 'true'});
      const g = el('g', {class: `row k-${kind}`});
      drawn(g);
      svg.append(g);
      const item = document.createElement('li');
      item.append(svg, ' ', text);
      list.append(item);
    };
    const prefix = {inject: '<', match: '>', wrong: '!>', missing: '!', extra: '?>', other: '-'};
    for (const kind of Object.keys(prefix)) add(kind, `${prefix[kind]}  ${signs[kind]}`, g => arrow(g, kind, 4, 72, 5, 6));
    for (const [kind, text] of [['call', 'a system call'], ['return', 'a call that blocked returns'], ['command', 'a command'], ['code', 'a code block, and what it read']]) {
      add(kind, text, g => event(g, {k: kind, s: [''], y: 0}, 38, true, {line: 15}));
    }
    add('gap', 'nothing happens for so long', g => pause(g, {y: 0, h: 16, s: ['']}, 30, 46));
    return list;
  };
  return draw;
})();
