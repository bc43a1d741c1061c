// What a screen adds to a page that is complete without it: pointing, keys, zoom, sorting, export, colours, the slider.
// Texts reach the page as text nodes only, no text is run, and nothing is fetched.
(() => {
  'use strict';
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const makeSvg = (svg, name, attributes) => {
    const element = document.createElementNS(svg.namespaceURI, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  };
  root.classList.add('js');

  // Numbers, written as the page writes them.
  const superscript = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  const powerOfTen = e => '10' + (e < 0 ? '⁻' : '') + String(Math.abs(e)).replace(/\d/g, digit => superscript[digit]);
  const minus = text => text.replace('-', '−');
  const grouped = value => value.toFixed(0).replace(/(\d)(?=(\d{3})+$)/g, '$1\u202f');
  const number = value => {
    const size = Math.abs(value);
    if (size === 0 || (size >= 1e-3 && size < 1e5)) return minus(size < 1e4 ? String(+value.toPrecision(3)) : grouped(value));
    const [mantissa, exponent] = value.toExponential(1).split('e');
    return (+mantissa === 1 ? '' : minus(String(+mantissa)) + '\u00a0×\u00a0') + powerOfTen(+exponent);
  };
  const percent = value => (value >= 100 ? Math.round(value) : +value.toPrecision(2)) + '\u00a0%';
  const share = value => (value >= 1e-3 ? percent(100 * value) : number(value));
  const noise = value => (value >= 10 ? number(value) + '\u00a0×\u00a0rms' : share(value));

  // Colours and paper.
  const darkWished = matchMedia('(prefers-color-scheme: dark)');
  const themeButton = one('#theme');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : darkWished.matches);
  const nameTheme = () => {
    themeButton.textContent = isDark() ? 'Light' : 'Dark';
    themeButton.setAttribute('aria-label', themeButton.textContent + ' colours');
  };
  themeButton.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    nameTheme();
  });
  darkWished.addEventListener('change', nameTheme);
  nameTheme();
  one('#print').addEventListener('click', () => print());
  let openedForPaper = [];
  addEventListener('beforeprint', () => {
    openedForPaper = all('details[data-print]:not([open])');
    for (const details of openedForPaper) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of openedForPaper) details.open = false;
  });

  // One tooltip and one live region for all charts.
  const tip = make('div', '', 'tip');
  tip.hidden = true;
  const spoken = make('div', '', 'spoken');
  spoken.setAttribute('aria-live', 'polite');
  document.body.append(tip, spoken);
  const showTip = (lines, x, y) => {
    tip.replaceChildren(...lines.map((line, index) => make(index ? 'div' : 'b', line)));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.max(6, Math.min(root.clientWidth - box.width - 6, x + 14));
    const above = y - box.height - 12;
    tip.style.left = left + scrollX + 'px';
    tip.style.top = (above < 4 ? y + 16 : above) + scrollY + 'px';
  };

  // A mark reads out cells of the figure's table: its row by key, the columns that its group names.
  const readOut = (mark, figure) => {
    const table = one('table', figure);
    const row = all('tbody tr', table).find(candidate => candidate.dataset.r === mark.dataset.r);
    const head = table.tHead.rows[0].cells;
    const group = mark.closest('[data-c]');
    const heading = row.cells[0].textContent;
    const numbered = !head[0].classList.contains('t');
    const name = group.dataset.name && group.dataset.name !== heading ? group.dataset.name + ', ' : '';
    const title = name + (numbered ? head[0].textContent + ' ' : '') + heading;
    return [title, ...group.dataset.c.split(' ').map(column => head[column].textContent + ': ' + row.cells[column].textContent)];
  };

  // The ticks of a zoomed axis: at most about six, round.
  const ticksOf = (axis, low, high) => {
    const round = (from, to) => {
      const rough = (to - from) / 6;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough);
      const values = [];
      for (let index = Math.ceil(from / step); index * step <= to; index++) values.push(index * step);
      return values;
    };
    if (!axis.log) return round(low, high).map(value => [value, number(+value.toPrecision(12))]);
    if (high - low < 1.2) return round(10 ** low, 10 ** high).map(value => [Math.log10(value), number(+value.toPrecision(12))]);
    const step = Math.max(1, Math.ceil((high - low) / 6));
    const powers = [];
    for (let exponent = Math.ceil(low / step) * step; exponent <= high; exponent += step) powers.push([exponent, powerOfTen(exponent)]);
    return powers;
  };

  const MOST_ZOOM = 200;
  const prepare = svg => {
    const figure = svg.closest('figure');
    const view = svg.viewBox.baseVal;
    const plot = one('.plot', svg);
    const [left, top, right, bottom] = svg.dataset.area.split(' ').map(Number);
    const zoomable = 'zoom' in svg.dataset;
    // A mark's path starts where the mark is.
    const marks = all('.mark[data-r]:not(.bound)', svg).map(element => {
      const [x, y] = element.getAttribute('d').match(/-?[\d.]+/g).map(Number);
      return { element, x, y };
    });
    if (!marks.length) return;
    const ring = makeSvg(svg, 'circle', { class: 'ring', r: 7, visibility: 'hidden' });
    svg.append(ring);
    let zoom = { x: 1, y: 1, left: 0, top: 0 };
    let current = -1;
    let drag = null;
    const place = mark => ({ x: mark.x * zoom.x + zoom.left, y: mark.y * zoom.y + zoom.top });
    const inside = at => at.x >= left - 1 && at.x <= right + 1 && at.y >= top - 1 && at.y <= bottom + 1;
    const pointer = event => {
      const box = svg.getBoundingClientRect();
      return { x: ((event.clientX - box.left) * view.width) / box.width, y: ((event.clientY - box.top) * view.height) / box.height };
    };
    const clear = () => {
      current = -1;
      ring.setAttribute('visibility', 'hidden');
      tip.hidden = true;
    };
    const choose = (index, aloud) => {
      const at = place(marks[index]);
      const box = svg.getBoundingClientRect();
      const scale = box.width / view.width;
      const lines = readOut(marks[index].element, figure);
      current = index;
      ring.setAttribute('cx', at.x);
      ring.setAttribute('cy', at.y);
      ring.setAttribute('visibility', 'visible');
      showTip(lines, box.left + at.x * scale, box.top + at.y * scale);
      if (aloud) spoken.textContent = lines.join('; ');
    };
    const nearest = to => {
      const across = 'across' in svg.dataset;
      let best = -1;
      let least = across ? 3600 : 900;
      marks.forEach((mark, index) => {
        const at = place(mark);
        const distance = (at.x - to.x) ** 2 + (at.y - to.y) ** 2 * (across ? 0.15 : 1);
        if (inside(at) && distance < least) [best, least] = [index, distance];
      });
      return best;
    };
    svg.addEventListener('pointermove', event => {
      if (drag) return;
      const index = nearest(pointer(event));
      if (index < 0) clear();
      else if (index !== current) choose(index, false);
    });
    svg.addEventListener('pointerleave', () => drag || clear());
    svg.addEventListener('blur', clear);
    svg.setAttribute('tabindex', '0');
    svg.setAttribute('role', 'application');
    svg.setAttribute('aria-roledescription', 'chart, arrow keys read the marks');

    // Zoom is one affine map of the marks, on a logarithmic axis too; ticks and labels are placed anew.
    const axes = ['x', 'y'].map(name => {
      if (!svg.dataset[name]) return null;
      const [kind, from, to, start, end] = svg.dataset[name].split(' ');
      const log = kind === 'log';
      const value = text => (log ? Math.log10(+text) : +text);
      const group = one('.axis-' + name, svg);
      return { name, log, from: value(from), to: value(to), start: +start, end: +end, group, home: [...group.childNodes] };
    });
    const drawAxis = axis => {
      const scale = zoom[axis.name];
      const shift = axis.name === 'x' ? zoom.left : zoom.top;
      const valueAt = pixel => axis.from + (((pixel - shift) / scale - axis.start) / (axis.end - axis.start)) * (axis.to - axis.from);
      const pixelAt = value => (axis.start + ((value - axis.from) / (axis.to - axis.from)) * (axis.end - axis.start)) * scale + shift;
      const drawn = ticksOf(axis, valueAt(axis.start), valueAt(axis.end)).flatMap(([value, label]) => {
        const at = pixelAt(value);
        const across = axis.name === 'x';
        const line = makeSvg(svg, 'path', { class: 'grid', d: across ? `M${at} ${top}V${bottom}` : `M${left} ${at}H${right}` });
        const text = makeSvg(svg, 'text', across ? { x: at, y: bottom + 17, 'text-anchor': 'middle' } : { x: left - 7, y: at + 4, 'text-anchor': 'end' });
        text.textContent = label;
        return [line, text];
      });
      axis.group.replaceChildren(...drawn);
    };
    const redraw = () => {
      const home = zoom.x === 1 && zoom.y === 1;
      plot.setAttribute('transform', `matrix(${zoom.x} 0 0 ${zoom.y} ${zoom.left} ${zoom.top})`);
      for (const axis of axes) if (axis) home ? axis.group.replaceChildren(...axis.home) : drawAxis(axis);
      for (const label of all('[data-at]', svg)) {
        const [x, y, dx, dy] = label.dataset.at.split(' ').map(Number);
        const at = place({ x, y });
        label.setAttribute('x', at.x + dx);
        label.setAttribute('y', at.y + dy);
        label.setAttribute('visibility', inside(at) ? 'visible' : 'hidden');
      }
      for (const group of all('.home', svg)) group.setAttribute('visibility', home ? 'visible' : 'hidden');
      one('.reset', figure).hidden = home;
      clear();
    };
    const reset = () => {
      zoom = { x: 1, y: 1, left: 0, top: 0 };
      if (zoomable) redraw();
    };
    const zoomTo = (x, y, focus, anchor) => {
      const next = { x: Math.max(1, Math.min(MOST_ZOOM, x)), y: Math.max(1, Math.min(MOST_ZOOM, y)) };
      const shift = (at, scale, old, oldShift, start, end) =>
        Math.min(start * (1 - scale), Math.max(end * (1 - scale), at - ((focus[start === left ? 'x' : 'y'] - oldShift) / old) * scale));
      next.left = shift(anchor.x, next.x, zoom.x, zoom.left, left, right);
      next.top = shift(anchor.y, next.y, zoom.y, zoom.top, top, bottom);
      zoom = next;
      redraw();
    };
    const zoomBy = (factor, at) => zoomTo(zoom.x * factor, zoom.y * factor, at, at);

    const KEYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    svg.addEventListener('keydown', event => {
      const step = KEYS[event.key];
      if (step) {
        let index = current < 0 && step < 0 ? 0 : current;
        for (let tries = 0; tries < marks.length; tries++) {
          index = (index + step + marks.length) % marks.length;
          if (inside(place(marks[index]))) break;
        }
        choose(index, true);
      } else if (event.key === 'Home') choose(0, true);
      else if (event.key === 'End') choose(marks.length - 1, true);
      else if (event.key === 'Escape') {
        clear();
        reset();
      } else if (zoomable && (event.key === '+' || event.key === '-')) {
        const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
        zoomBy(event.key === '+' ? 1.4 : 1 / 1.4, current < 0 ? middle : place(marks[current]));
      } else return;
      event.preventDefault();
    });
    if (!zoomable) return;

    if (!one('.reset', figure)) {
      const button = make('button', 'Reset zoom', 'reset');
      button.type = 'button';
      button.hidden = true;
      one('figcaption', figure).append(button);
    }
    one('.reset', figure).addEventListener('click', reset);
    svg.addEventListener('dblclick', reset);
    // Without a modifier the wheel scrolls the page, unless the chart was chosen first.
    svg.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.shiftKey && document.activeElement !== svg) return;
      event.preventDefault();
      zoomBy(Math.exp(-0.002 * (event.deltaY || event.deltaX)), pointer(event));
    }, { passive: false });
    const brush = makeSvg(svg, 'rect', { class: 'brush' });
    const corners = to => ({
      x: Math.min(to.x, drag.x), y: Math.min(to.y, drag.y), width: Math.abs(to.x - drag.x), height: Math.abs(to.y - drag.y),
    });
    svg.addEventListener('pointerdown', event => {
      const at = pointer(event);
      if (event.pointerType === 'touch' || event.button || !inside(at)) return;
      drag = at;
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener('pointermove', event => {
      if (!drag) return;
      const box = corners(pointer(event));
      for (const key in box) brush.setAttribute(key, box[key]);
      svg.append(brush);
    });
    const LEAST_DRAG = 8;
    svg.addEventListener('pointerup', event => {
      if (!drag) return;
      const box = corners(pointer(event));
      drag = null;
      brush.remove();
      if (box.width < LEAST_DRAG || box.height < LEAST_DRAG) return;
      zoomTo((zoom.x * (right - left)) / box.width, (zoom.y * (bottom - top)) / box.height, box, { x: left, y: top });
    });
  };
  all('svg.chart').forEach(prepare);

  // Tables: sort by a column, filter, save.
  const written = cell => cell.dataset.v ?? cell.textContent.trim();
  const compare = (a, b) => (a === '' || b === '' || isNaN(a) || isNaN(b) ? String(a).localeCompare(b) : a - b);
  const plain = text => text.replace(/[\u202f\u00a0]/g, '').replace('−', '-');
  const sortable = table => {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make('button', head.textContent);
      button.type = 'button';
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') === 'descending';
        for (const other of all('th[aria-sort]', table)) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        const value = row => plain(written(row.cells[column]));
        const rows = [...body.rows].sort((a, b) => compare(value(a), value(b)) * (up ? 1 : -1));
        body.append(...rows);
      });
    });
  };
  // A spreadsheet would take a text that starts like a formula for one.
  const csvCell = text => {
    const safe = /^[=+\-@\t\r]/.test(text) && isNaN(text) ? "'" + text : text;
    return /[",\r\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  const csv = table => [...table.rows]
    .map(row => [...row.cells].map(cell => csvCell(cell.classList.contains('t') ? written(cell) : plain(written(cell)))).join(','))
    .join('\r\n');
  const exportable = table => {
    const body = table.tBodies[0];
    const bar = make('div', '', 'bar-above');
    if (body.rows.length > 14) {
      const label = make('label', 'Filter ');
      const field = make('input');
      field.type = 'search';
      field.addEventListener('input', () => {
        const wanted = plain(field.value.toLowerCase());
        for (const row of body.rows) row.hidden = !plain(row.textContent.toLowerCase()).includes(wanted);
      });
      label.append(field);
      bar.append(label);
    }
    const save = make('button', 'Save CSV');
    save.type = 'button';
    save.setAttribute('aria-label', 'Save CSV: ' + table.caption.textContent);
    save.addEventListener('click', () => {
      const link = make('a');
      link.href = URL.createObjectURL(new Blob(['\ufeff' + csv(table)], { type: 'text/csv' }));
      link.download = table.id + '.csv';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    bar.append(save);
    table.closest('.frame').before(bar);
  };
  for (const table of all('table.sort')) {
    sortable(table);
    exportable(table);
  }

  // A table that scrolls must be reachable by keyboard.
  const reach = () => {
    for (const frame of all('.frame')) {
      const scrolls = frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;
      const attributes = { tabindex: '0', role: 'region', 'aria-label': one('caption', frame).textContent };
      for (const key in attributes) scrolls ? frame.setAttribute(key, attributes[key]) : frame.removeAttribute(key);
    }
  };
  reach();
  addEventListener('resize', reach);
  for (const details of all('details')) details.addEventListener('toggle', reach);

  // The slider: from a wished error to a noise, as the table of wishes reckons: against the attacker without a start who
  // needs the most, between the last level whose 5 % point is below the wish and the next, in logarithms.
  const form = one('#wish-form');
  if (form) {
    const data = JSON.parse(one('#data').textContent);
    const curve = data.attack_curve;
    const input = one('input', form);
    const output = one('output', form);
    const exact = data.protections.find(result => result.protection.kind === 'none');
    const against = id => wish => {
      const errors = curve.series.find(series => series.id === id)?.q05 ?? curve.noise_rel.map(() => Math.max(1, wish));
      const first = errors.findLastIndex(error => error < wish) + 1;
      if (first === errors.length) return [Infinity, id, errors.at(-1)];
      if (first === 0) return [(exact?.attacks[id]?.q05 ?? Infinity) >= wish ? 0 : curve.noise_rel[0], id, errors.at(-1)];
      const below = Math.max(errors[first - 1], Number.MIN_VALUE);
      const part = Math.log(wish / below) / Math.log(errors[first] / below);
      const [from, to] = [curve.noise_rel[first - 1], curve.noise_rel[first]];
      return [from * (to / from) ** part, id, errors.at(-1)];
    };
    const hardest = wish => {
      const harder = (best, other) =>
        best[0] === Infinity && other[0] === Infinity ? other[2] < best[2] : other[0] > best[0];
      return ['blind', 'signs_known', 'ridge'].map(id => against(id)(wish))
        .reduce((best, other) => harder(best, other) ? other : best);
    };
    const answer = () => {
      const wish = 10 ** +input.value;
      const [needed, id] = hardest(wish);
      const amount = needed === Infinity ? 'more than ' + noise(curve.noise_rel.at(-1)) : 'about ' + noise(needed);
      const words = needed === 0 ? ['no noise'] : ['noise of ', make('b', amount), ` of ${form.dataset.unit}`];
      input.setAttribute('aria-valuetext', share(wish));
      output.replaceChildren(
        'To keep the error of ', form.dataset[id === 'signs_known' ? 'signsKnown' : id], ' above ', make('b', share(wish)),
        ' in nineteen tries of twenty takes ', ...words, '.');
    };
    input.addEventListener('input', answer);
    form.addEventListener('submit', event => event.preventDefault());
    answer();
    form.hidden = false;
  }
})();
