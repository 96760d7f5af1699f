/** A colour from a value on; the first has none. */
export type Threshold = readonly [colour: 'green' | 'yellow' | 'orange' | 'red' | 'blue', from?: number];

export interface Query {
  /** PromQL; `$instance` and the other variables of the dashboard stand in it. */
  readonly expr: string;
  /** Name of each series, with labels as `{{label}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it shows, and when to worry. */
  readonly description: string;
  /** One of Grafana's unit ids: `s`, `bytes`, `Bps`, `mps`, `cps`, `short`, `percentunit`. */
  readonly unit: string;
  /** `stat`: one number now. `heatmap`: its query has buckets by `le`. Default: lines over time. */
  readonly kind?: 'timeseries' | 'stat' | 'heatmap';
  readonly queries: readonly Query[];
  /** Default: green, whatever the value. */
  readonly thresholds?: readonly Threshold[];
  /** Words for values. */
  readonly words?: Readonly<Record<string, string>>;
  /** Of 24 columns; default 8, and 4 for `stat`. */
  readonly width?: number;
  readonly stacked?: boolean;
  /** Shows the name of the series instead of its value. */
  readonly nameOnly?: boolean;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** `label_values(metric, label)`. */
  readonly query: string;
}

export interface Dashboard {
  /** File name and address. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;
const ROW_HEIGHT = 1;

function targets({ queries, kind }: Panel): object[] {
  return queries.map(({ expr, legend }, at) => ({
    datasource: SOURCE,
    refId: String.fromCharCode(65 + at),
    expr,
    legendFormat: kind === 'heatmap' ? '{{le}}' : legend,
    ...(kind === 'heatmap' ? { format: 'heatmap' } : {}),
    ...(kind === 'stat' ? { instant: true, range: false } : { instant: false, range: true }),
  }));
}

function options({ kind = 'timeseries', nameOnly, thresholds }: Panel): object {
  if (kind === 'stat') {
    return {
      colorMode: thresholds === undefined ? 'none' : 'background',
      graphMode: 'none',
      textMode: nameOnly === true ? 'name' : 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    };
  }
  if (kind === 'heatmap') return { calculate: false, color: { mode: 'scheme', scheme: 'Blues', steps: 64 }, yAxis: { unit: 's' }, cellGap: 1 };
  return { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } };
}

function custom({ kind = 'timeseries', stacked, thresholds }: Panel): object {
  if (kind !== 'timeseries') return {};
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: stacked === true ? 30 : 5,
    showPoints: 'never',
    stacking: { mode: stacked === true ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: thresholds === undefined ? 'off' : 'dashed' },
  };
}

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { title, description, unit, kind = 'timeseries', thresholds = [['green']], words } = panel;
  return {
    id,
    type: kind,
    title,
    description,
    datasource: SOURCE,
    gridPos,
    targets: targets(panel),
    fieldConfig: {
      defaults: {
        unit,
        min: kind === 'timeseries' ? 0 : undefined,
        color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps: thresholds.map(([color, from]) => ({ color, value: from ?? null })) },
        mappings: words === undefined ? [] : [{ type: 'value', options: Object.fromEntries(Object.entries(words).map(([value, text]) => [value, { text }])) }],
        custom: custom(panel),
      },
      overrides: [],
    },
    options: options(panel),
  };
}

function variableJson({ name, label, query }: Variable): object {
  return {
    name,
    label,
    type: 'query',
    datasource: SOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}

/** The dashboard as Grafana imports and provisions it, laid out from left to right and from top to bottom. */
export function dashboardJson({ uid, title, description, variables, rows }: Dashboard): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: ROW_HEIGHT }, panels: [] });
    y += ROW_HEIGHT;
    let x = 0;
    let tallest = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? (panel.kind === 'stat' ? 4 : 8);
      const h = panel.kind === 'stat' ? 4 : 8;
      if (x + w > COLUMNS) {
        y += tallest;
        x = 0;
        tallest = 0;
      }
      panels.push(panelJson(panel, panels.length + 1, { x, y, w, h }));
      x += w;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  const json = {
    uid,
    title,
    description,
    tags: ['sluice'],
    timezone: 'browser',
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    schemaVersion: 39,
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1, current: {}, hide: 0 },
        ...variables.map(variableJson),
      ],
    },
    links: [{ type: 'dashboards', title: 'Sluice', tags: ['sluice'], asDropdown: true, includeVars: true, keepTime: true }],
    panels,
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
