import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/commands/command.ts';
import { FAULTS } from '../../src/domain/fault.ts';
import { METRICS } from '../../src/observe/definitions.ts';
import { EVENTS } from '../../src/observe/log-table.ts';
import { deadLetterProperties } from '../../src/rabbit/dead-letters.ts';

const TEXT = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Cells of the rows of the table that follows a heading, without head and rule. */
function table(heading: string): string[][] {
  const section = TEXT.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('docs/operations.md', () => {
  it('lists exactly the exit codes that the commands use', () => {
    expect(table('Exit codes').map(([code, name]) => [name, Number(code)])).toEqual(Object.entries(EXIT));
  });

  it('says for every retryable fault what to do', () => {
    const retryable = Object.entries(FAULTS).filter(([, { kind }]) => kind === 'retryable');
    expect(new Set(table('When a route is held').map(([code]) => code))).toEqual(new Set(retryable.map(([code]) => code)));
  });

  it('lists exactly the headers of a dead letter', () => {
    const replay = { of: 'd0', count: 1, scope: 'message' };
    const message = {
      topic: 'a/\u0001',
      routingKey: 'a.\u0001',
      body: Buffer.alloc(0),
      receivedAt: 0,
      contentType: undefined,
      contentEncoding: undefined,
      qos: 1,
      replay,
    };
    const reading = { id: 'r1', device: 'd', profile: 'p', measuredAt: 0, receivedAt: 0, values: {} };
    const fault = { kind: 'permanent', code: 'TOO_LARGE', stage: 'publish', message: 'x' };
    const letter = { id: 'd1', message, fault, route: 'readings', reading, readings: 2, attempts: 1, firstFailedAt: 0, buriedAt: 0, config: 'v1' };
    const { headers } = deadLetterProperties(letter as unknown as Parameters<typeof deadLetterProperties>[0]);
    expect(new Set(table('Dead letters').flatMap(([header = '']) => (header.startsWith('x-sluice-') ? [header] : [])))).toEqual(
      new Set(Object.keys(headers ?? {})),
    );
  });

  it('names only metrics, events and fault codes that exist', () => {
    const quoted = [...TEXT.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
    const metrics = quoted.filter((word) => /^sluice_\w+$/.test(word));
    expect(metrics.length).toBeGreaterThan(3);
    expect(metrics.filter((name) => !(name in METRICS))).toEqual([]);
    const codes = quoted.filter((word) => /^[A-Z]+(_[A-Z]+)+$/.test(word));
    expect(codes.filter((code) => !(code in FAULTS))).toEqual([]);
    expect(['drain', 'topology-repaired'].filter((type) => !(type in EVENTS))).toEqual([]);
  });

  it('links to files that exist', () => {
    const links = [...TEXT.matchAll(/\]\(([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(1);
    expect(links.filter((link) => !existsSync(new URL(link, new URL('../../docs/', import.meta.url))))).toEqual([]);
  });
});
