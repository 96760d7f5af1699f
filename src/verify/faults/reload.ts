import { basename } from 'node:path';
import { readFileSync } from 'node:fs';
import { type Document, isMap, isSeq, parseDocument } from 'yaml';
import type { Fault } from '../fault.ts';
import type { Field } from '../field.ts';

const RELOADS = 20;
const SLACK_MS = 30_000;

interface Edit {
  readonly text: string;
  readonly good: boolean;
}

function edited(original: string, change: (document: Document) => void): string {
  const document = parseDocument(original);
  change(document);
  return String(document);
}

/** Settings that do the same as the original in another way; each is different from the one before. */
function good(original: string, n: number): string {
  return edited(original, (document) => {
    const routes = document.get('routes');
    if (!isSeq(routes)) return;
    for (const route of routes.items) {
      // One that goes out one by one must go on to.
      if (isMap(route) && route.has('exchange') && route.getIn(['batch', 'count']) !== 1) route.setIn(['batch', 'count'], 50 + n);
    }
    routes.items.unshift(document.createNode({ name: `verify-${n}`, topics: [`verify/none/${n}`], drop: true }));
  });
}

/** What a tired person may do to a settings file. */
const BAD: readonly ((original: string) => string)[] = [
  (original) => `${original}\nroutes: [`,
  (original) => edited(original, (document) => document.addIn(['routes'], { name: 'bad', when: 'valeus.t > 1.0', drop: true })),
  (original) => edited(original, (document) => document.setIn(['gateway', 'name'], 'another')),
  () => '',
];

function edits(field: Field): Edit[] {
  const { original } = field.site.copy;
  return Array.from({ length: RELOADS }, (_, n) => {
    const bad = BAD[Math.floor(field.random() * BAD.length)] as (typeof BAD)[number];
    return n % 2 === 0 ? { text: good(original, n), good: true } : { text: bad(original), good: false };
  });
}

interface Counts {
  readonly applied: number;
  readonly refused: number;
  readonly detached: number;
  readonly connections: number;
}

async function counts(field: Field): Promise<Counts> {
  const text = await field.site.gateway.metrics();
  const sum = (series: RegExp): number => [...text.matchAll(series)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    applied: sum(/^sluice_config_reloads_total\{outcome="applied"\} (\S+)$/gm),
    refused: sum(/^sluice_config_reloads_total\{outcome="refused"\} (\S+)$/gm),
    detached: sum(/^sluice_source_detached_total (\S+)$/gm),
    connections: sum(/^sluice_session_connections_total\{[^}]*\} (\S+)$/gm),
  };
}

export const configReload: Fault = {
  kind: 'config-reload',
  rows: ['F35'],
  doc: `${RELOADS} reloads (SIGHUP) under load, good and bad settings in turn: no connection is lost, nothing comes twice, bad ones are refused with their line`,
  needs: 'private',
  mostDuplicates: () => 0,
  inject: async (field) => {
    const { gateway, copy } = field.site;
    const before = await counts(field);
    const heal = async (): Promise<void> => {
      const { applied } = await counts(field);
      copy.write(copy.original);
      gateway.signal('SIGHUP');
      await field.until('the settings of the beginning are in force', async () => (await counts(field)).applied > applied, SLACK_MS);
      const after = await counts(field);
      field.require(after.detached === before.detached, `the consumer was lost ${after.detached - before.detached} times`);
      field.require(after.connections === before.connections, `${after.connections - before.connections} connections were made anew`);
    };
    let refused = 0;
    for (const [n, edit] of edits(field).entries()) {
      await field.busy();
      // Before: where the gateway looks at its files itself, it may be quicker than the signal.
      const { applied, refused: no } = await counts(field);
      copy.write(edit.text);
      gateway.signal('SIGHUP');
      if (n === 0) field.strike();
      const outcome = edit.good ? 'applied' : 'refused';
      await field.until(
        `reload ${n + 1} is ${outcome}`,
        async () => {
          const now = await counts(field);
          return edit.good ? now.applied > applied : now.refused > no;
        },
        SLACK_MS,
      );
      if (!edit.good) refused += 1;
    }
    // Of the log, which may be written a moment later than the metric is counted.
    const place = new RegExp(`${basename(copy.file).replaceAll('.', '\\.')}:\\d+:\\d+: `);
    const placed = (): number =>
      readFileSync(gateway.log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"event":"config-reload"') && line.includes('"outcome":"refused"') && place.test(line)).length;
    await field.until(`each of ${refused} refusals is in the log with its line`, () => placed() >= refused, SLACK_MS);
    field.note(`${RELOADS - refused} taken over, ${refused} refused`);
    return heal;
  },
};

export const RELOAD_FAULTS = [configReload];
