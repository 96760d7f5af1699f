import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/observe/definitions.ts';
import { metricsDocument } from '../../src/observe/document.ts';
import { EVENTS } from '../../src/observe/log-table.ts';
import { FIELDS } from '../../src/observe/log-fields.ts';

const FILE = new URL('../../METRICS.md', import.meta.url);
const VOCABULARY = new URL('../../src/domain/events.ts', import.meta.url);

/** Names in the source of the union, so that the test does not rest on the compiler alone. */
function typesInSource(): string[] {
  return [...readFileSync(VOCABULARY, 'utf8').matchAll(/readonly type: '([a-z-]+)'/g)].map((match) => match[1] ?? '');
}

describe('METRICS.md', () => {
  it('equals the tables of src/observe (UPDATE_DOCS=1 writes it anew)', () => {
    const text = metricsDocument();
    if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, text);
    expect(existsSync(FILE) ? readFileSync(FILE, 'utf8') : '').toBe(text);
  });

  it('names every metric and every event type of the vocabulary', () => {
    const text = metricsDocument();
    const types = typesInSource();
    expect(types.length).toBeGreaterThan(10);
    expect(Object.keys(EVENTS).sort()).toEqual(types.sort());
    for (const name of [...Object.keys(METRICS), ...types, ...Object.keys(FIELDS)]) expect(text).toContain(`| \`${name}\` |`);
  });

  it('has tables whose rows have as many cells as their heads', () => {
    const rows = metricsDocument()
      .split('\n\n')
      .filter((block) => block.startsWith('|'))
      .map((block) => block.trimEnd().split('\n'));
    expect(rows).toHaveLength(3);
    for (const table of rows) {
      const cells = table.map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(cells).size).toBe(1);
    }
  });
});
