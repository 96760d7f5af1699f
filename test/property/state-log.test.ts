import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeLine } from '../../src/state/state-line.ts';
import { StateLog } from '../../src/state/state-log.ts';
import { fullDisk } from '../support/faulty-files.ts';

const NAMES = ['a', 'b', 'c/"\\', 'é', ''];

type Step =
  | { readonly kind: 'save'; readonly name: string; readonly state: unknown }
  | { readonly kind: 'flush' | 'wait' | 'full' | 'room' | 'close' }
  /** The process ends, in the middle of a write of so many bytes. */
  | { readonly kind: 'kill'; readonly torn: number };

// JSON has no -0, except where it is written so.
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('save' as const), name: fc.constantFrom(...NAMES), state: fc.option(json, { nil: undefined }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'flush' as const,
        'flush' as const,
        'flush' as const,
        'wait' as const,
        'full' as const,
        'room' as const,
        'room' as const,
        'close' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), torn: fc.nat(200) }) },
);

/** A gateway's life after life on one folder, beside what a Map says of it. */
class Lives {
  readonly wrong: string[] = [];
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
  private readonly disk = fullDisk();
  private time = 0;
  private log: StateLog = this.open();
  /** As far as this life knows. */
  private memory: Map<string, unknown> = new Map();
  /** Flushed: what the next life finds, or, where it was `lost`, finds or not; never anything older. */
  private flushed: Map<string, unknown> = new Map();
  private lost: Set<string> = new Set();
  private readonly saved: Set<string> = new Set();

  run(next: Step): void {
    switch (next.kind) {
      case 'save':
        this.log.save(next.name, () => next.state);
        this.memory.set(next.name, next.state);
        this.saved.add(next.name);
        break;
      case 'flush':
        this.flush(() => this.log.flush());
        break;
      case 'wait':
        this.time += 1_000;
        break;
      case 'full':
        this.disk.full = true;
        break;
      case 'room':
        this.disk.full = false;
        this.time += 1_000;
        break;
      case 'close':
        this.flush(() => this.log.close());
        this.begin();
        break;
      case 'kill':
      default:
        this.kill(next.kind === 'kill' ? next.torn : 0);
    }
    if (next.kind !== 'close' && next.kind !== 'kill') for (const name of NAMES) this.compare(name, this.log.load(name), this.memory.get(name));
  }

  end(): void {
    this.log.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private flush(action: () => void): void {
    const sure = !this.disk.full;
    for (const name of this.saved) {
      this.flushed.set(name, this.memory.get(name));
      this.lost.add(name);
    }
    this.saved.clear();
    // After a failure it is tried again a second later only.
    if (sure) this.time += 1_000;
    action();
    if (!sure) return;
    // Costs nothing where nothing is owed.
    this.log.flush();
    this.lost.clear();
  }

  private kill(torn: number): void {
    const file = path.join(this.folder, 'state.jsonl');
    const line = encodeLine('a', '"never flushed"');
    if (existsSync(file)) appendFileSync(file, line.subarray(0, torn % line.length));
    rmSync(path.join(this.folder, 'state.lock'), { force: true });
    this.begin();
  }

  private begin(): void {
    this.disk.full = false;
    this.saved.clear();
    this.log = this.open();
    for (const name of NAMES) {
      const found = this.log.load(name);
      if (found !== undefined || !this.lost.has(name)) this.compare(name, found, this.flushed.get(name));
      this.flushed.set(name, found);
    }
    this.lost.clear();
    this.memory = new Map(this.flushed);
  }

  private compare(name: string, found: unknown, wanted: unknown): void {
    if (!isDeepStrictEqual(found, wanted)) this.wrong.push(`${JSON.stringify(name)}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }

  private open(): StateLog {
    const warn = (message: string): void => {
      if (!message.includes('ENOSPC')) this.wrong.push(message);
    };
    return new StateLog({ folder: this.folder, warn, now: () => this.time, bounds: { garbageBytes: 300 }, files: this.disk.files });
  }
}

describe('the state log', () => {
  it('answers like a Map, life after life', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lives = new Lives();
        try {
          for (const next of steps) lives.run(next);
          lives.run({ kind: 'close' });
          expect(lives.wrong).toEqual([]);
        } finally {
          lives.end();
        }
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});
