import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateLog } from '../../../src/state/state-log.ts';
import { checkedFiles, fsError, type Operation, writeHalf } from '../../support/faulty-files.ts';

const READING: readonly Operation[] = ['readSync', 'readFileSync', 'statSync', 'fstatSync', 'closeSync'];
const BOUNDS = { garbageBytes: 400 };

/** What a process does that ends at one of its operations: half of a write, and nothing afterwards. */
class Killed {
  done = 0;
  readonly operations: Operation[] = [];
  readonly files = checkedFiles((operation, args) => {
    if (READING.includes(operation)) return;
    this.operations.push(operation);
    this.done += 1;
    if (this.done <= this.after) return;
    if (operation === 'writeSync' && this.done === this.after + 1) writeHalf(args);
    throw fsError('EIO');
  });
  private readonly after: number;

  constructor(after: number) {
    this.after = after;
  }

  get happened(): boolean {
    return this.done > this.after;
  }
}

describe('a process that ends at any of its steps', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Flushes until the end; answers what was flushed for certain, and what was being flushed. */
  function live(killed: Killed): { sure: Map<string, unknown>; open: Map<string, unknown> } {
    const sure = new Map<string, unknown>();
    // Somebody ended before.
    writeFileSync(path.join(folder, 'state.lock'), '');
    const open = (): StateLog => new StateLog({ folder, warn: () => {}, bounds: BOUNDS, files: killed.files });
    let log = open();
    for (let i = 0; i < 24; i += 1) {
      const states = new Map<string, unknown>([
        [`n${i % 3}`, { i, text: 'x'.repeat(20) }],
        [`once${i}`, i < 3 ? i : undefined],
      ]);
      if (i === 7) states.set('once1', undefined);
      for (const [name, state] of states) log.save(name, () => state);
      if (i === 10 || i === 20) {
        log.close();
        log = open();
        log.load('n0');
      } else log.flush();
      if (killed.happened) return { sure, open: states };
      for (const [name, state] of states) sure.set(name, state);
    }
    return { sure, open: new Map() };
  }

  /** A lock of this very process would not be one of a process that has ended. */
  function die(): void {
    rmSync(path.join(folder, 'state.lock'), { force: true });
  }

  it('leaves what was flushed, and nothing older', () => {
    const whole = new Killed(Number.POSITIVE_INFINITY);
    live(whole);
    const { done } = whole;
    // The lock, and the file written anew while it ran and when it was opened.
    expect(whole.operations.filter((operation) => operation === 'renameSync').length).toBeGreaterThan(3);
    for (let after = 0; after < done; after += 1) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const { sure, open } = live(new Killed(after));
      die();
      const warnings: string[] = [];
      const next = new StateLog({ folder, warn: (message) => warnings.push(message) });
      for (const [name, state] of sure) {
        const possible = open.has(name) ? [state, open.get(name)] : [state];
        expect(possible, `${name} after ${after} of ${done} operations (${whole.operations[after]})`).toContainEqual(next.load(name));
      }
      next.close();
      expect(warnings).toEqual([]);
    }
  }, 120_000);

  it('has forced to the disk what it needs, in the order in which it needs it', () => {
    const whole = new Killed(Number.POSITIVE_INFINITY);
    const log = new StateLog({ folder, warn: () => {}, bounds: BOUNDS, files: whole.files });
    const put = (): Operation[] => {
      whole.operations.splice(0);
      log.save('a', () => 'x'.repeat(100));
      log.save('b', () => 1);
      log.flush();
      return [...whole.operations];
    };
    const folderForced: Operation[] = ['openSync', 'fsyncSync'];
    // Its own lock with what stands in it, then the file, whose name is new.
    expect(put()).toEqual(['mkdirSync', 'openSync', 'writeSync', 'rmSync', 'openSync', 'openSync', 'writeSync', 'fdatasyncSync', ...folderForced]);
    expect(put()).toEqual(['writeSync', 'fdatasyncSync']);
    let compaction: Operation[] = [];
    for (let i = 0; i < 10 && !compaction.includes('renameSync'); i += 1) compaction = put();
    expect(compaction).toEqual(['writeSync', 'fdatasyncSync', 'openSync', 'writeSync', 'fsyncSync', 'renameSync', 'fdatasyncSync', ...folderForced]);
    log.close();
  });
});
