/** The plots: lines over the last minutes, at most half an hour, drawn by hand into SVG. */

const minute = 60 * 1000;
/** The shortest that holds all points. */
const spans = [2, 5, 10, 20, 30].map((minutes) => minutes * minute);
const margin = { top: 8, right: 4, bottom: 20, left: 44 };

/** Rate of a counter between two looks; a counter that went back was that of a process that is gone. */
const rate =
  (name, scale = 1) =>
  (point, before) => {
    if (before === undefined || point[name] === null || before[name] === null) return null;
    const seconds = (point.time - before.time) / 1000;
    const more = point[name] - before[name];
    return seconds <= 0 || more < 0 ? null : (more / seconds) * scale;
  };
const gauge =
  (name, scale = 1) =>
  (point) =>
    point[name] === null ? null : point[name] * scale;
/** Mean of what was counted between two looks. */
const mean = (sum, count, scale) => (point, before) => {
  if (before === undefined || point[count] === null || before[count] === null) return null;
  const times = point[count] - before[count];
  return times <= 0 ? null : ((point[sum] - before[sum]) / times) * scale;
};

const plots = [
  {
    title: 'Connections',
    unit: '',
    lines: [
      ['open', gauge('sessions')],
      ['waiting for a guard', gauge('guardWaiting')],
    ],
  },
  { title: 'Statements', unit: '/s', lines: [['forwarded', rate('forwarded')]] },
  {
    title: 'Recognised',
    unit: '/s',
    lines: [
      ['rewritten', rate('rewritten')],
      ['refused', rate('refused')],
    ],
  },
  { title: 'Time added by a plan', unit: 'ms', lines: [['mean', mean('planSeconds', 'plans', 1000)]] },
  { title: 'CPU', unit: '%', lines: [['of one core', rate('cpuSeconds', 100)]] },
  { title: 'Memory', unit: 'MiB', lines: [['resident', gauge('residentBytes', 1 / 1024 / 1024)]] },
];

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** 1, 2 or 5 times a power of ten, at least the value. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((one) => one >= value) ?? value;
}

function svg(name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

class Plot {
  constructor({ title, unit, lines }) {
    this.title = title;
    this.unit = unit;
    this.lines = lines;
    this.figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const name = document.createElement('strong');
    name.textContent = title;
    this.value = document.createElement('span');
    caption.append(name, this.value);
    this.svg = svg('svg', { role: 'img', 'aria-label': title });
    const legend = document.createElement('div');
    legend.className = 'legend';
    for (const [at, [label]] of lines.entries()) {
      const one = document.createElement('span');
      one.className = at === 0 ? 'one' : 'two';
      one.textContent = `${at === 0 ? '―' : '╌'} ${label}`;
      legend.append(one);
    }
    this.figure.append(caption, this.svg, legend);
  }

  draw(points) {
    const values = this.lines.map(([, read]) => points.map((point, at) => read(point, points[at - 1])));
    const last = values.map((line) => line.findLast((value) => value !== null));
    const shown = (value) => (value === undefined ? '–' : `${number.format(value)} ${this.unit}`.trim());
    this.value.textContent = shown(last[0]);
    const most = Math.max(0, ...values.flat().filter((value) => value !== null));
    const top = most === 0 ? 1 : roundUp(most);
    this.svg.setAttribute(
      'aria-label',
      `${this.title}: ${this.lines.map(([label], at) => `${label} ${shown(last[at])}`).join(', ')}; at most ${shown(most)} in the time shown`,
    );
    this.render(points, values, top);
  }

  render(points, values, top) {
    const { width, height } = this.svg.getBoundingClientRect();
    if (width === 0) return;
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const now = points.at(-1)?.time ?? 0;
    const age = now - (points[0]?.time ?? 0);
    const span = spans.find((one) => one >= age) ?? spans.at(-1);
    const right = width - margin.right;
    const bottom = height - margin.bottom;
    const x = (time) => right - ((now - time) / span) * (right - margin.left);
    const y = (value) => bottom - (value / top) * (bottom - margin.top);
    const parts = [0, top / 2, top].flatMap((value) => [
      svg('line', { class: 'grid', x1: margin.left, x2: right, y1: y(value), y2: y(value) }),
      svg('text', { x: margin.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, number.format(value)),
    ]);
    parts.push(
      svg('text', { x: margin.left, y: height - 4 }, `${span / minute} min ago`),
      svg('text', { x: right, y: height - 4, 'text-anchor': 'end' }, 'now'),
    );
    for (const [at, line] of values.entries()) {
      let d = '';
      let pen = 'M';
      for (const [index, value] of line.entries()) {
        if (value === null) pen = 'M';
        else {
          d += `${pen}${x(points[index].time).toFixed(1)} ${y(value).toFixed(1)}`;
          pen = 'L';
        }
      }
      if (d !== '') parts.push(svg('path', { class: `series-${at + 1}`, d }));
    }
    this.svg.replaceChildren(...parts);
  }
}

const mostPoints = 900;

export class Plots {
  #plots = plots.map((plot) => new Plot(plot));
  #points = [];

  /** @param {HTMLElement} place */
  constructor(place) {
    place.append(...this.#plots.map(({ figure }) => figure));
    new ResizeObserver(() => this.#draw()).observe(place);
  }

  /** @param {boolean} anew @param {string[]} names @param {(number | null)[][]} rows time and a value for each name */
  add(anew, names, rows) {
    const points = rows.map(([time, ...values]) => ({
      time,
      ...Object.fromEntries(names.map((name, at) => [name, values[at]])),
    }));
    this.#points = (anew ? points : [...this.#points, ...points]).slice(-mostPoints);
    this.#draw();
  }

  #draw() {
    for (const plot of this.#plots) plot.draw(this.#points);
  }
}
