import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SPOOL = pathToFileURL(fileURLToPath(new URL('../../dist/src/edge/spool/spool.js', import.meta.url))).href;
const ROUNDS = 10;
const LEAST_KEPT = 500;

/** Reads what is there, then appends and settles until it is killed. Each line is out before the next thing happens. */
const CHILD = `
import { writeSync } from 'node:fs';
import { Spool } from ${JSON.stringify(SPOOL)};
const [folder, base] = process.argv.slice(1);
const say = (line) => writeSync(1, line + '\\n');
const scheduler = {
  now: () => Date.now(), monotonic: () => performance.now(), random: () => Math.random(),
  after: (ms, fn) => { const timer = setTimeout(fn, ms); timer.unref(); return () => clearTimeout(timer); },
};
const spool = Spool.open({ folder, maxBytes: 1e9, segmentBytes: 100_000, markMs: 50, scheduler, warn: (text) => say('w ' + text) });
let held = [];
const idOf = ({ message }) => message.payload.toString().split(' ')[0];
for (;;) {
  const some = await spool.read(262_144);
  if (some.length === 0) break;
  held.push(...some);
}
say('r ' + held.map(idOf).join(' '));
let next = Number(base);
for (;;) {
  const kept = [];
  await new Promise((resolve) => {
    let waiting = 40;
    for (let i = 0; i < 40; i += 1) {
      const id = next++;
      const payload = Buffer.from(id + ' ' + 'x'.repeat(id % 300));
      spool.append({ topic: 't', payload, qos: 1, retain: false, dup: false, clientId: 'c', receivedAt: Date.now() }, (error) => {
        if (error === undefined) kept.push(id);
        if (--waiting === 0) resolve();
      });
    }
  });
  say('k ' + kept.join(' '));
  held.push(...(await spool.read(20_000)));
  while (held.length > 60) {
    const [one] = held.splice(Math.floor(Math.random() ** 3 * held.length), 1);
    say('s ' + idOf(one));
    spool.settle(one.seq);
  }
}
`;

describe('a process with a spool that is killed at any time', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-spool-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds everything again that was kept and not settled, once and in order', async () => {
    const owed = new Set<number>();
    let base = 1;
    let found = 0;
    const lost: number[] = [];
    const wrong: string[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, folder, String(base)], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exit = once(child, 'exit');
      let kept = 0;
      let top = base;
      const least = Math.random() * LEAST_KEPT;
      for await (const line of createInterface(child.stdout)) {
        const ids = line.slice(2).split(' ').filter(Boolean).map(Number);
        if (line.startsWith('w ')) wrong.push(line);
        if (line.startsWith('r ')) {
          const read = new Set(ids);
          lost.push(...[...owed].filter((id) => !read.has(id)));
          if (String(ids) !== String([...read].sort((a, b) => a - b))) wrong.push(`round ${round}: not in order, or twice`);
          if (ids.some((id) => id >= base)) wrong.push(`round ${round}: read what nobody sent`);
          found += ids.length;
          if (round === ROUNDS) break;
        }
        if (line.startsWith('k ')) {
          for (const id of ids) owed.add(id);
          kept += ids.length;
          top = Math.max(top, ...ids);
          if (kept > least) setTimeout(() => child.kill('SIGKILL'), Math.random() * 30);
        }
        // It may be forgotten from here on.
        if (line.startsWith('s ')) for (const id of ids) owed.delete(id);
      }
      child.kill('SIGKILL');
      await exit;
      base = top + 1_000_000;
    }
    console.log(`${found} messages were found again after ${ROUNDS} kills`);
    expect({ lost, wrong }).toEqual({ lost: [], wrong: [] });
    expect(found).toBeGreaterThan(ROUNDS * 10);
  }, 120_000);
});
