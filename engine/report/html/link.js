'use strict';

// linkChart draws a chart into an element, and lets its rows and lines of text in other
// boxes point at each other. Options: chart; chartBox; drawing, the options of drawChart;
// boxes, which have lines; lineOf, the number by which a line is known to the chart's
// rows; lead, what selects the line or row that Tab comes to first; name, of the script,
// and save, a button to have the chart as a file. It returns pick(number, from), which marks
// what has a number.
function linkChart({chart, chartBox, drawing, boxes, lineOf, lead, name, save}) {
  let rows = [], picked = 0;
  const linesOf = (box, l) => [...box.children].filter(e => lineOf(e) === l);

  const mark = (cls, l) => {
    for (const box of [chartBox, ...boxes]) {
      for (const e of box.querySelectorAll('.' + cls)) {
        e.classList.remove(cls);
        if (cls === 'picked') e.setAttribute('aria-selected', 'false');
      }
    }
    if (!l) return;
    for (const e of [...rows.filter((_, i) => chart.rows[i].l === l), ...boxes.flatMap(box => linesOf(box, l))]) {
      e.classList.add(cls);
      if (cls === 'picked') e.setAttribute('aria-selected', 'true');
    }
  };
  // pick marks what has a number, and shows it where it wasn't picked from: in the chart,
  // or in the first box that has it; nowhere if from is null.
  const pick = (l, from) => {
    picked = l;
    mark('picked', l);
    if (!from) return;
    if (from === chartBox) boxes.map(box => linesOf(box, l)[0]).find(Boolean)?.scrollIntoView({block: 'nearest'});
    else rows.find((_, i) => chart.rows[i].l === l)?.scrollIntoView({block: 'center', inline: 'nearest'});
  };
  const lineAt = e => {
    const row = e.target.closest('.row'), line = e.target.closest('.line');
    if (row) return chart.rows[rows.indexOf(row)]?.l || 0;
    return line ? lineOf(line) : 0;
  };
  const focus = (all, e) => {
    for (const other of all) other.tabIndex = -1;
    e.tabIndex = 0;
    e.focus();
  };
  // beside is the row of another lane that stands nearest to a row.
  const beside = (row, by) => {
    const r = chart.rows[rows.indexOf(row)];
    if (!r) return null;
    const far = o => o.l === r.l ? -1 : Math.abs(o.y - r.y);
    let best = null;
    chart.rows.forEach((o, i) => {
      if ((o.n || 0) === (r.n || 0) + by && rows[i].hasAttribute('tabindex') && (best === null || far(o) < far(chart.rows[best]))) best = i;
    });
    return best === null ? null : rows[best];
  };
  // Each of the boxes is one stop for Tab; arrows go through it, in a chart through the
  // lane and from one to the next.
  const listen = (box, owner, items) => {
    box.addEventListener('mouseover', e => mark('hover', lineAt(e)));
    box.addEventListener('mouseleave', () => mark('hover', 0));
    box.addEventListener('focusin', e => mark('hover', lineAt(e)));
    box.addEventListener('focusout', () => mark('hover', 0));
    box.addEventListener('click', e => { if (lineAt(e)) pick(lineAt(e), owner); });
    box.addEventListener('keydown', e => {
      const here = document.activeElement, lane = chart.rows[rows.indexOf(here)]?.n;
      const all = items().filter(e => owner !== chartBox || chart.rows[rows.indexOf(e)].n === lane), i = all.indexOf(here);
      const across = {ArrowLeft: -1, ArrowRight: 1}[e.key];
      const to = across ? owner === chartBox && beside(here, across) : all[{ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: all.length - 1}[e.key]];
      if (to) focus(items(), to);
      else if ((e.key === 'Enter' || e.key === ' ') && lineAt(e)) pick(lineAt(e), owner);
      else return;
      e.preventDefault();
    });
    const all = items();
    if (all.length) (all.find(e => e.matches(lead)) || all[0]).tabIndex = 0;
  };
  const draw = () => {
    rows = drawChart(chartBox, chart, {...drawing, first: 'c', label: `Time sequence, ${chart.rows.length} rows`});
    listen(chartBox.lastElementChild, chartBox, () => rows.filter(e => e.hasAttribute('tabindex')));
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
    save.remove();
  }
  save.addEventListener('click', () => {
    const svg = drawChart.file(chart, {...drawing, label: `${name} on ${drawing.names.join(', ')}`});
    const url = URL.createObjectURL(new Blob([svg], {type: 'image/svg+xml'}));
    h('a', {href: url, download: name.split('/').pop().replace(/\.pkt$/, '') + '.svg'}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000); // it may be asked first where to put it
  });
  for (const box of boxes) listen(box, box, () => [...box.children]);
  return pick;
}
