// Plots as SVG text. The colours are such that they can be read on white and on black; what draws axes and words follows the reader's scheme.

export interface Series {
  readonly name: string;
  /** x and y, in ascending x. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Panel {
  readonly title: string;
  /** Under the x-axis. */
  readonly x: string;
  /** `log`: each tenfold takes the same room. */
  readonly scale: 'log' | 'linear';
  readonly series: readonly Series[];
}

export interface Bars {
  readonly title: string;
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Names of the values of each group. */
  readonly names: readonly string[];
}

const COLOURS = ['#6e7781', '#2f81f7', '#d97706', '#2da44e', '#a371f7', '#d4568c', '#1b9aaa'];
const WIDTH = 400;
const HEIGHT = 260;
/** Of one bar of a group, with its share of the gap to the next group: its number must fit above it. */
const BAR_WIDTH = 40;
/** Of a line of the legend. */
const LINE_HEIGHT = 18;
/** Room around what is drawn. */
const PAD = { left: 64, right: 16, top: 34, bottom: 46 };
const INNER = { width: WIDTH - PAD.left - PAD.right, height: HEIGHT - PAD.top - PAD.bottom };
const STYLE = `<style>text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600}.a{stroke:#8c959f;stroke-width:1}.g{stroke:#8c959f;stroke-opacity:.25}
@media(prefers-color-scheme:dark){text{fill:#adbac7}}</style>`;

/** Panels beside one another, with one legend below. */
export function lines(panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const body = panels.map((panel, i) => `<g transform="translate(${i * WIDTH},0)">${linePanel(panel, names)}</g>`).join('\n');
  return document(panels.length * WIDTH, names, body);
}

export function bars(panels: readonly Bars[]): string {
  const width = Math.max(WIDTH, ...panels.map(({ groups, names }) => groups.length * names.length * BAR_WIDTH + PAD.left + PAD.right));
  const body = panels.map((panel, i) => `<g transform="translate(0,${i * HEIGHT})">${barPanel(panel, width)}</g>`).join('\n');
  return document(width, panels[0]?.names ?? [], body, panels.length * HEIGHT);
}

function document(width: number, names: readonly string[], body: string, height = HEIGHT): string {
  let [at, top] = [PAD.left, height];
  const legend = names.map((name, i) => {
    const needed = 34 + name.length * 7;
    if (at > PAD.left && at + needed > width) [at, top] = [PAD.left, top + LINE_HEIGHT];
    const mark = `<rect x="${at}" y="${top + 2}" width="12" height="12" rx="2" fill="${colour(i)}"/><text x="${at + 18}" y="${top + 12}">${escape(name)}</text>`;
    at += needed;
    return mark;
  });
  const bottom = top + 24;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}" width="${width}" height="${bottom}" role="img">\n${STYLE}\n${body}\n${legend.join('\n')}\n</svg>\n`;
}

function linePanel({ title, x, scale, series }: Panel, names: readonly string[]): string {
  const all = series.flatMap(({ points }) => points);
  const xs = all.map(([value]) => value);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const top = niceTop(Math.max(0, ...all.map(([, value]) => value)));
  const along = (value: number): number => {
    const share = scale === 'log' ? Math.log(value / low) / Math.log(high / low || Math.E) : (value - low) / (high - low || 1);
    return PAD.left + INNER.width * (Number.isFinite(share) ? share : 0);
  };
  const up = (value: number): number => PAD.top + INNER.height * (1 - value / top);
  const ticks = scale === 'log' ? [...new Set(xs)].toSorted((a, b) => a - b) : [0, 1, 2, 3, 4].map((i) => low + ((high - low) * i) / 4);
  const drawn = series
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => {
      const fill = colour(names.indexOf(name));
      const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${along(a).toFixed(1)},${up(b).toFixed(1)}`).join('');
      const dots = points.map(([a, b]) => `<circle cx="${along(a).toFixed(1)}" cy="${up(b).toFixed(1)}" r="3" fill="${fill}"/>`).join('');
      return `<path d="${path}" fill="none" stroke="${fill}" stroke-width="2"/>${dots}`;
    });
  const marks = ticks.map((tick) => `<text x="${along(tick).toFixed(1)}" y="${HEIGHT - PAD.bottom + 16}" text-anchor="middle">${short(tick)}</text>`);
  const under = `<text x="${PAD.left + INNER.width / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escape(x)}</text>`;
  return [frame(title, top, WIDTH), ...marks, under, ...drawn].join('\n');
}

function barPanel({ title, groups, names }: Bars, width: number): string {
  const top = niceTop(Math.max(...groups.flatMap(({ values }) => values.filter((value) => !Number.isNaN(value)))));
  const room = (width - PAD.left - PAD.right) / groups.length;
  const each = Math.min(34, (room * 0.8) / names.length);
  const drawn = groups.flatMap(({ name, values }, g) => {
    const middle = PAD.left + room * (g + 0.5);
    const from = middle - (each * names.length) / 2;
    const inside = values.flatMap((value, i) => {
      if (Number.isNaN(value)) return [];
      const height = (INNER.height * value) / top;
      const left = from + i * each;
      const over = `<text x="${(left + each / 2).toFixed(1)}" y="${(PAD.top + INNER.height - height - 3).toFixed(1)}" text-anchor="middle" style="font-size:10px">${short(value)}</text>`;
      return [
        `<rect x="${left.toFixed(1)}" y="${(PAD.top + INNER.height - height).toFixed(1)}" width="${(each - 2).toFixed(1)}" height="${height.toFixed(1)}" fill="${colour(i)}"/>${over}`,
      ];
    });
    return [...inside, `<text x="${middle.toFixed(1)}" y="${HEIGHT - PAD.bottom + 16}" text-anchor="middle">${escape(name)}</text>`];
  });
  return [frame(title, top, width), ...drawn].join('\n');
}

/** Title, y-axis from 0 and its lines. */
function frame(title: string, top: number, width: number): string {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = PAD.top + INNER.height * (1 - share);
    return `<line class="${share === 0 ? 'a' : 'g'}" x1="${PAD.left}" x2="${width - PAD.right}" y1="${y}" y2="${y}"/><text x="${PAD.left - 6}" y="${y + 4}" text-anchor="end">${short(top * share)}</text>`;
  });
  return [`<text class="t" x="${PAD.left}" y="18">${escape(title)}</text>`, ...steps].join('\n');
}

/** At or above the value, and easy to read in quarters. */
export function niceTop(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return size * ([1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value) ?? 10);
}

/** 12000 as 12k, 1500000 as 1.5M. */
export function short(value: number): string {
  const tidy = (number: number): string => String(Number(number.toPrecision(3)));
  if (value >= 1e6) return `${tidy(value / 1e6)}M`;
  return value >= 10_000 ? `${tidy(value / 1000)}k` : tidy(value);
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] as string;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
