'use strict';

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

// listPage runs a page with a table of results (#results; the n-th has the row #rn),
// filters (#filters), and a page for each result (#detail), by keys and by addresses.
// Options: results, each with an id; boxes, the name of the checkboxes of which any may
// be on; fields, the names of the other filters; shows, whether a result is let through,
// given the boxes' values and the fields'; sorts, how results are compared, by key; fill,
// which returns what the page of a result consists of, and drawn, what to do then.
function listPage({results: given, boxes: boxesName, fields, shows, sorts, fill, drawn}) {
  const $ = id => document.getElementById(id);
  const list = $('list'), detail = $('detail'), form = $('filters'), body = $('results').tBodies[0];
  const results = given.map((r, i) => ({...r, i, row: $('r' + i), link: $('r' + i).querySelector('a')}));
  const byID = new Map(results.map(r => [r.id, r]));
  let shown = results, open = null, sort = '';

  // The part of the address after # is the open result's id, then ? and the filters.
  const boxes = () => [...form.querySelectorAll(`[name=${boxesName}]`)];
  const value = name => form[name] ? form[name].type === 'checkbox' ? form[name].checked ? '1' : '' : form[name].value : '';
  function address(id) {
    const p = new URLSearchParams();
    const on = boxes().filter(b => b.checked);
    if (on.length < boxes().length) p.set(boxesName, on.map(b => b.value).join());
    for (const name of fields) if (value(name)) p.set(name, value(name));
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
      for (const b of boxes()) b.checked = !p.has(boxesName) || p.get(boxesName).split(',').includes(b.value);
      for (const name of fields) {
        if (!form[name]) continue;
        if (form[name].type === 'checkbox') form[name].checked = p.get(name) === '1';
        else form[name].value = p.get(name) || '';
      }
      sort = p.get('sort') || '';
    }
    filter();
    show(byID.get(id) || null);
  }

  // filter shows the rows that the filters let through, in order.
  function filter() {
    const on = new Set(boxes().filter(b => b.checked).map(b => b.value));
    const values = Object.fromEntries(fields.map(name => [name, value(name)]));
    values.q = values.q.trim().toLowerCase();
    shown = results.filter(r => shows(r, on, values));
    const [key, down] = sort.startsWith('-') ? [sort.slice(1), -1] : [sort, 1];
    const by = Object.hasOwn(sorts, key) && sorts[key];
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
    detail.replaceChildren(leading(r), ...fill(r).filter(Boolean));
    drawn(r, detail);
    scrollTo(0, 0);
    $('title').focus({preventScroll: true});
  }

  // leading leads from a result's page to others.
  function leading(r) {
    const at = shown.indexOf(r);
    const move = (i, text, key) => h('button', {type: 'button', disabled: !shown[i], title: key, click: () => go(shown[i])}, text);
    return h('nav', {'aria-label': 'Results'},
      h('button', {type: 'button', title: 'Esc', click: () => go(null)}, '← All results'),
      move(at - 1, '↑ Previous', 'k'), move(at + 1, '↓ Next', 'j'),
      at >= 0 && h('span', {class: 'why'}, `${at + 1} of ${shown.length}`));
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

  addEventListener('hashchange', readAddress);
  if (results.length === 1 && !location.hash) history.replaceState(null, '', address(results[0].id));
  readAddress();
}
