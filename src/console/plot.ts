import { el, fill, setAttribute, setText } from './dom.ts';
import { clock } from './format.ts';
import { colour, onTheme } from './theme.ts';
import uPlot from './uplot.js';

export interface Line {
  readonly name: string;
  /** Of the style sheet: `1` to `4`. */
  readonly colour: string;
  /** So that lines differ by more than colour. */
  readonly dash?: readonly number[];
}

export interface PlotOptions {
  readonly title: string;
  /** What stands over it, where that may be shorter. */
  readonly caption?: string;
  readonly lines: readonly Line[];
  readonly height: number;
  /** Milliseconds that the plot reaches back. */
  readonly spanMs: number;
  readonly format: (value: number | null | undefined) => string;
  /** As `format`, on the axis. */
  readonly axis?: (value: number | null | undefined) => string;
  readonly signal: AbortSignal;
  readonly small?: boolean;
}

type Column = readonly (number | null)[];

/** How often the words for a screen reader follow the picture: it is not read aloud by itself. */
const WORDS_MS = 10_000;
const ROWS = 10;

/** Lines over time: uPlot's canvas, a legend that tells values, and the same as words and as a table. */
export class Plot {
  readonly element: HTMLElement;
  private readonly options: PlotOptions;
  private readonly canvas = el('div', { class: 'plot-canvas', role: 'img' });
  private readonly values: readonly HTMLElement[];
  private readonly table = el('table', { class: 'numbers' });
  private readonly details: HTMLDetailsElement;
  private chart: uPlot | undefined;
  private at: readonly number[] = [];
  private columns: readonly Column[] = [];
  private wordsAt = Number.NEGATIVE_INFINITY;
  private hovered: number | null | undefined;

  constructor(options: PlotOptions) {
    this.options = options;
    const { title, caption = title, lines, small = false } = options;
    this.values = lines.map(() => el('span', { class: 'plot-value' }));
    const legend = el(
      'div',
      { class: 'legend', 'aria-hidden': 'true' },
      ...lines.map((line, i) =>
        el(
          'span',
          {},
          el('span', { class: `swatch colour-${line.colour}${line.dash === undefined ? '' : ' dashed'}` }),
          small ? '' : `${line.name} `,
          this.values[i],
        ),
      ),
    );
    this.details = el(
      'details',
      { class: 'as-table' },
      el('summary', {}, 'Numbers'),
      el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}, numbers` }, this.table),
    );
    this.details.addEventListener('toggle', () => this.writeTable());
    this.element = el(
      'figure',
      { class: small ? 'plot small' : 'plot' },
      el('figcaption', {}, el('span', { class: 'plot-title' }, caption), legend),
      this.canvas,
      this.details,
    );
    const resize = new ResizeObserver(() => this.fit());
    resize.observe(this.canvas);
    options.signal.addEventListener('abort', () => {
      resize.disconnect();
      this.chart?.destroy();
    });
    onTheme(() => this.draw(), options.signal);
  }

  /** Milliseconds since 1970, and as many values for each line. */
  set(at: readonly number[], columns: readonly Column[]): void {
    this.at = at;
    this.columns = columns;
    if (this.chart === undefined) this.draw();
    else this.chart.setData(this.data());
    this.writeValues();
    const now = performance.now();
    if (now - this.wordsAt < WORDS_MS) return;
    this.wordsAt = now;
    setAttribute(this.canvas, 'aria-label', this.words());
    if (this.details.open) this.writeTable();
  }

  private data(): uPlot.AlignedData {
    return [this.at.map((ms) => ms / 1000), ...this.columns.map((column) => [...column])] as uPlot.AlignedData;
  }

  private draw(): void {
    this.chart?.destroy();
    this.chart = undefined;
    const width = this.canvas.clientWidth;
    if (width === 0 || this.at.length === 0) return;
    const { lines, height, spanMs, format, axis: onAxis = format, small = false } = this.options;
    const [text, grid] = [colour('quiet'), colour('line')];
    const font = '11px system-ui, sans-serif';
    const axis = { stroke: text, font, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    this.chart = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        padding: [8, 8, 0, 0],
        scales: {
          x: { range: (_chart, _low, high) => [(high ?? 0) - spanMs / 1000, high ?? 0] },
          // A value that never changes is a line in the middle; rates begin at zero.
          y: { range: (_chart, low, high) => this.range(low, high) },
        },
        axes: [
          { ...axis, size: 26, space: small ? 70 : 80, values: (_chart, splits) => splits.map((s) => clock(s * 1000, s * 1000).slice(0, small ? 8 : 5)) },
          { ...axis, size: small ? 56 : 48, space: small ? 24 : 36, values: (_chart, splits) => splits.map((value) => onAxis(value)) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: colour(line.colour),
            width: 1.5,
            points: { show: small && this.at.length < 3 },
            ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
          })),
        ],
        hooks: {
          setCursor: [
            (chart) => {
              this.hovered = chart.cursor.idx;
              this.writeValues();
            },
          ],
        },
      },
      this.data(),
      this.canvas,
    );
  }

  private range(low: number | null, high: number | null): [number, number] {
    if (low === null || high === null) return [0, 1];
    if (this.options.small !== true) return [0, high <= 0 ? 1 : high * 1.08];
    const room = low === high ? Math.max(1, Math.abs(low) * 0.1) : (high - low) * 0.12;
    return [low - room, high + room];
  }

  private fit(): void {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    if (this.chart === undefined) this.draw();
    else if (Math.abs(this.chart.width - width) > 1) this.chart.setSize({ width, height: this.options.height });
  }

  private writeValues(): void {
    const index = this.hovered ?? this.at.length - 1;
    for (const [i, node] of this.values.entries()) setText(node, this.options.format(this.columns[i]?.[index]));
  }

  private words(): string {
    const { title, lines, format } = this.options;
    const parts = lines.map((line, i) => {
      const known = (this.columns[i] ?? []).filter((value) => value !== null);
      if (known.length === 0) return `${line.name}: nothing yet`;
      return `${line.name}: now ${format(known.at(-1))}, lowest ${format(Math.min(...known))}, highest ${format(Math.max(...known))}`;
    });
    return `${title}. ${parts.join('. ')}.`;
  }

  /** The newest points, or means of equal stretches where there are many. */
  private writeTable(): void {
    if (!this.details.open) return;
    const { lines, format } = this.options;
    const step = Math.max(1, Math.ceil(this.at.length / ROWS));
    const starts = Array.from({ length: Math.ceil(this.at.length / step) }, (_, i) => i * step).reverse();
    const mean = (column: Column | undefined, from: number): number | undefined => {
      const known = (column ?? []).slice(from, from + step).filter((value) => value !== null);
      return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
    };
    fill(
      this.table,
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, step === 1 ? 'At' : 'Mean since'), ...lines.map(({ name }) => el('th', { scope: 'col' }, name)))),
      el(
        'tbody',
        {},
        ...starts.map((from) =>
          el('tr', {}, el('th', { scope: 'row' }, clock(this.at[from], Date.now())), ...lines.map((_, i) => el('td', {}, format(mean(this.columns[i], from))))),
        ),
      ),
    );
  }
}
