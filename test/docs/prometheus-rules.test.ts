import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { METRICS } from '../../src/observe/definitions.ts';
import { type AlertCase, ALERT_CASES as GATEWAY_CASES, RECORDED } from '../support/alert-cases.ts';
import { EDGE_ALERT_CASES } from '../support/edge-alert-cases.ts';
import { PROMETHEUS, promtool, rulesOf, SHIPPED } from '../support/prometheus.ts';

const ALERT_CASES = [...GATEWAY_CASES, ...EDGE_ALERT_CASES];
const ALERTS = rulesOf('alerts.yml');
const RECORDING = rulesOf('recording.yml');
const OPERATIONS = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** As GitHub makes them of headings. */
function anchors(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** An annotation as it is to be shown. A label that the alert does not have would be an empty word. */
function rendered(text: string, { labels, value, alert }: AlertCase): string {
  return text.replace(/\{\{ *(\$\w+)(?:\.(\w+))?[^}]*\}\}/g, (_, variable: string, label: string | undefined) => {
    const found = variable === '$value' ? value : labels[label ?? ''];
    // The one that tells of a target that is not there cannot name it.
    if (found === undefined && alert !== 'SluiceDown') throw new Error(`${alert}: ${label ?? variable} is not known`);
    return found ?? '';
  });
}

const HEAD = { rule_files: ['recording.yml', 'alerts.yml'], group_eval_order: ['sluice-recording', 'sluice', 'sluice-edge', 'sluice-rabbitmq'] };

function inputOf(series: AlertCase['series']): unknown[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values: values.join(' ') }));
}

/** One test of promtool for each case: what fires when, with exactly these labels and words. All cases have the same step. */
function testFile(these: readonly AlertCase[]): string {
  const interval = `${these[0]?.step ?? 1}m`;
  const cases = these.map((one) => {
    const rule = ALERTS.find(({ alert }) => alert === one.alert);
    const texts = one.fires.length === 0 ? [] : Object.entries(rule?.annotations ?? {});
    const annotations = Object.fromEntries(texts.map(([name, text]) => [name, rendered(text, one)]));
    const firing = { exp_labels: { ...one.labels, ...rule?.labels }, exp_annotations: annotations };
    const at = (minute: number, alerts: unknown[]): unknown => ({ eval_time: `${minute}m`, alertname: one.alert, exp_alerts: alerts });
    return {
      interval,
      input_series: inputOf(one.series),
      alert_rule_test: [...one.silent.map((minute) => at(minute, [])), ...one.fires.map((minute) => at(minute, [firing]))],
    };
  });
  return stringify({ ...HEAD, evaluation_interval: interval, tests: cases });
}

/** The same for values of recording rules. */
function recordedFile(): string {
  const tests = RECORDED.map(({ series, expr, minute, samples }) => ({
    interval: '1m',
    input_series: inputOf(series),
    promql_expr_test: [{ expr, eval_time: `${minute}m`, exp_samples: samples }],
  }));
  return stringify({ ...HEAD, evaluation_interval: '1m', tests });
}

describe('the rules', () => {
  it('have names of their own, a severity, and a runbook that exists', () => {
    const names = [...ALERTS.map(({ alert }) => alert), ...RECORDING.map(({ record }) => record)];
    expect(new Set(names).size).toBe(names.length);
    const known = anchors(OPERATIONS).map((anchor) => `docs/operations.md#${anchor}`);
    for (const { alert, labels, annotations } of ALERTS) {
      expect({ alert, severity: labels?.['severity'] }).toEqual({ alert, severity: expect.stringMatching(/^(critical|warning|info)$/) as string });
      expect(Object.keys(annotations ?? {}), `alert ${alert}`).toEqual(['summary', 'description', 'runbook']);
      expect(known, `alert ${alert}`).toContain(annotations?.['runbook']);
    }
  });

  it('are listed in docs/operations.md with severity and section', () => {
    const rows = [...OPERATIONS.matchAll(/^\| (\w+) \| (critical|warning|info) \| \[[^\]]+\]\((#[\w-]+)\) \|$/gm)].map(([, ...cells]) => cells);
    const wanted = ALERTS.map(({ alert, labels, annotations }) => [alert, labels?.['severity'], annotations?.['runbook']?.replace('docs/operations.md', '')]);
    expect(rows).toEqual(wanted);
  });

  it('ask for metrics that exist', () => {
    const expressions = [...ALERTS, ...RECORDING].map(({ expr }) => expr).join('\n');
    const histograms = Object.entries(METRICS).flatMap(([name, { type }]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : []));
    const known = new Set([...Object.keys(METRICS), ...histograms]);
    // Not the part of a recorded name between its colons, and not a regular expression of names.
    const named = [...expressions.matchAll(/(?<![\w:"])(?:sluice|nodejs|process)_\w+(?![\w:])/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('each have a history in which they are silent and one in which they fire and resolve', () => {
    const tested = (what: 'silent' | 'fires'): Set<string> => new Set(ALERT_CASES.filter((one) => one[what].length > 0).map(({ alert }) => alert));
    const names = new Set(ALERTS.map(({ alert }) => alert));
    expect(tested('fires')).toEqual(names);
    expect(tested('silent')).toEqual(names);
    const resolved = ALERT_CASES.filter(({ silent, fires }) => Math.max(...silent) > Math.max(...fires) && fires.length > 0).map(({ alert }) => alert);
    expect(new Set(resolved)).toEqual(names);
  });
});

describe.skipIf(!PROMETHEUS)('promtool', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
    cpSync(SHIPPED, dir, { recursive: true });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('takes the configuration and the rules', { timeout: 300_000 }, async () => {
    expect(await promtool(['check', 'config', join(SHIPPED, 'prometheus.yml')])).toMatchObject({ code: 0 });
    expect(await promtool(['check', 'rules', '--lint=all', '--lint-fatal', join(SHIPPED, 'recording.yml'), join(SHIPPED, 'alerts.yml')])).toMatchObject({
      code: 0,
    });
  });

  it('sees every alert fire, be silent and resolve as its history says', { timeout: 600_000 }, async () => {
    const steps = [...new Set(ALERT_CASES.map(({ step = 1 }) => step))];
    const files = steps.map((step) => ({ name: `step-${step}.yml`, text: testFile(ALERT_CASES.filter((one) => (one.step ?? 1) === step)) }));
    for (const { name, text } of [...files, { name: 'recorded.yml', text: recordedFile() }]) writeFileSync(join(dir, name), text);
    expect(await promtool(['test', 'rules', ...files.map(({ name }) => name), 'recorded.yml'], { cwd: dir })).toMatchObject({
      code: 0,
      output: expect.stringContaining('SUCCESS') as string,
    });
  });

  it('would see one that does not', { timeout: 300_000 }, async () => {
    // Never fires, fires at once, has lost its words: each is found.
    const broken = (name: string, change: (text: string) => string): void => {
      const text = readFileSync(join(SHIPPED, 'alerts.yml'), 'utf8');
      const changed = change(text);
      expect(changed, `change of the ${name}`).not.toBe(text);
      writeFileSync(join(dir, 'alerts.yml'), changed);
    };
    writeFileSync(join(dir, 'tests.yml'), testFile(ALERT_CASES.filter(({ alert }) => alert === 'SluiceLaneHeld')));
    for (const [name, change] of [
      ['threshold', (text: string) => text.replace('sluice_lanes{state="held"}) > 0', 'sluice_lanes{state="held"}) > 3')],
      ['duration', (text: string) => text.replace('for: 2m', 'for: 0m')],
      ['words', (text: string) => text.replace('Route {{ $labels.route }} of', 'Route of')],
    ] as const) {
      broken(name, change);
      expect({ name, ...(await promtool(['test', 'rules', 'tests.yml'], { cwd: dir })) }).toMatchObject({
        name,
        code: 1,
        output: expect.stringContaining('SluiceLaneHeld') as string,
      });
    }
  });
});
