import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../src/observe/dashboards/index.ts';
import { dashboardJson } from '../../src/observe/dashboards/model.ts';
import { METRICS } from '../../src/observe/definitions.ts';
import { FOLDER, panelsOf, queriesOf, shippedDashboards } from '../support/dashboards.ts';
import { rulesOf } from '../support/prometheus.ts';

const RECORDED = rulesOf('recording.yml').map(({ record = '' }) => record);
/** Grafana's ids of units, those that are used here. */
const UNITS = ['none', 'short', 's', 'bytes', 'Bps', 'mps', 'cps', 'percentunit'];
/** What Prometheus makes itself. */
const OF_PROMETHEUS = ['up', 'ALERTS'];

/** Names of metrics in an expression: no function, no keyword, no label, no text, no duration. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right) ?\([^)]*\)/g, '')
    .replace(/\[[^\]]*\]/g, '');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !['or', 'and', 'unless', 'bool', 'offset'].includes(name));
}

function exists(name: string): boolean {
  if (name in METRICS || RECORDED.includes(name) || OF_PROMETHEUS.includes(name) || name.startsWith('rabbitmq_')) return true;
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return base in METRICS && METRICS[base as keyof typeof METRICS].type === 'histogram';
}

describe('docker/grafana', () => {
  it('has the dashboards of src/observe/dashboards and no others (UPDATE_DOCS=1 writes them anew)', () => {
    if (process.env.UPDATE_DOCS === '1') {
      mkdirSync(FOLDER, { recursive: true });
      for (const dashboard of DASHBOARDS) writeFileSync(join(FOLDER, `${dashboard.uid}.json`), dashboardJson(dashboard));
    }
    expect(readdirSync(FOLDER).sort()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).sort());
    for (const dashboard of DASHBOARDS)
      expect(readFileSync(join(FOLDER, `${dashboard.uid}.json`), 'utf8'), `dashboard ${dashboard.uid}`).toBe(dashboardJson(dashboard));
  });

  it('provisions the source that the dashboards take, and their folder', () => {
    const read = (path: string): unknown => parse(readFileSync(join(FOLDER, '..', 'provisioning', path), 'utf8'));
    expect(read('datasources/prometheus.yml')).toMatchObject({ datasources: [{ type: 'prometheus', isDefault: true }] });
    expect(read('dashboards/sluice.yml')).toMatchObject({ providers: [{ type: 'file', options: { path: '/var/lib/grafana/dashboards' } }] });
  });
});

describe.each(shippedDashboards())('$file', ({ json }) => {
  const panels = panelsOf(json);

  it('has panels with a title of their own, a description, a unit, thresholds and queries', () => {
    expect(panels.length).toBeGreaterThan(5);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, description = '', datasource, targets = [], fieldConfig } of panels) {
      expect(description, `panel ${title}`).toMatch(/^[A-Z0-9].{20,}\.$/s);
      expect(datasource, `panel ${title}`).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(UNITS, `panel ${title}`).toContain(fieldConfig?.defaults.unit);
      const steps = fieldConfig?.defaults.thresholds?.steps.map(({ value }) => value) ?? [];
      expect(steps[0], `panel ${title}`).toBeNull();
      expect(steps.slice(1), `panel ${title}`).toEqual(steps.slice(1).toSorted((a, b) => Number(a) - Number(b)));
      expect(targets.length, `panel ${title}`).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, `panel ${title}`).toBe(targets.length);
      for (const { legendFormat } of targets) expect(legendFormat, `panel ${title}`).not.toBe('');
    }
  });

  it('lays them out side by side, never on top of each other', () => {
    const cells = json.panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`));
    expect(new Set(cells).size).toBe(cells.length);
    expect(json.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    expect(new Set(json.panels.map(({ id }) => id)).size).toBe(json.panels.length);
  });

  it('asks for metrics and variables that exist', () => {
    const texts = [...queriesOf(json).map(({ expr }) => expr), ...json.templating.list.map(({ query }) => (typeof query === 'string' ? '' : query.query))];
    const named = texts.flatMap((text) => metricsIn(text.replace(/^label_values\((.*), \w+\)$/, '$1')));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !exists(name))).toEqual([]);
    const variables = texts.flatMap((text) => [...text.matchAll(/\$(\w+)/g)].map(([, name]) => name));
    const defined = [...json.templating.list.map(({ name }) => name), '__rate_interval'];
    expect(variables.filter((name) => !defined.includes(name ?? ''))).toEqual([]);
  });
});

describe('recording rules', () => {
  it('are each used by an alert or a panel', () => {
    const expressions = [
      ...rulesOf('alerts.yml').map(({ expr }) => expr),
      ...shippedDashboards().flatMap(({ json }) => queriesOf(json).map(({ expr }) => expr)),
    ];
    expect(RECORDED.filter((name) => !expressions.some((expr) => metricsIn(expr).includes(name)))).toEqual([]);
  });
});

describe('the reader of expressions in this test', () => {
  it('finds the metrics and nothing else', () => {
    expect(metricsIn('histogram_quantile(0.9, sum by (le, route) (rate(a_bucket{x=~"b.+"}[$__rate_interval])))')).toEqual(['a_bucket']);
    expect(metricsIn('x:y:z{a="b"} > 0 and on (job) up == 0 or vector(0)')).toEqual(['x:y:z', 'up']);
    expect(metricsIn('time() - sluice_nothing')).toEqual(['sluice_nothing']);
  });
});
