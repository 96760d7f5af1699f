import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeyHash, KeyHasher } from '../../../src/domain/key-hash.ts';
import { KeyTable } from '../../../src/pipeline/key-table.ts';

/** The same by Maps of lists, oldest first. */
class Model {
  readonly owners = new Map<number, string[]>();

  has(owner: number, key: string): boolean {
    return this.owners.get(owner)?.includes(key) === true;
  }

  add(owner: number, key: string): void {
    const keys = this.owners.get(owner) ?? [];
    this.owners.set(owner, keys);
    if (!keys.includes(key)) keys.push(key);
  }

  get most(): number {
    return Math.max(0, ...Array.from(this.owners.values(), (keys) => keys.length));
  }

  get size(): number {
    return [...this.owners.values()].reduce((sum, keys) => sum + keys.length, 0);
  }
}

const OWNERS = [0, 1, -7];
const hasher = new KeyHasher();
/** All in one bucket: chains are walked, and records taken out of their middle. */
const KEYS = new Map(Array.from({ length: 12 }, (_, i) => [`k${i}`, { ...hasher.hash(`k${i}`), a: 5 }]));
const hashOf = (key: string): KeyHash => KEYS.get(key) as KeyHash;

type Step =
  | { readonly kind: 'add'; readonly owner: number; readonly key: string }
  | { readonly kind: 'evict'; readonly least: number; readonly most: number }
  | { readonly kind: 'clear' };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('add' as const), owner: fc.constantFrom(...OWNERS), key: fc.constantFrom(...KEYS.keys()) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('evict' as const), least: fc.integer({ min: 0, max: 6 }), most: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

/** Does the step to both; answers what is wrong. Which of several owners that have most loses its oldest keys is the table's affair. */
function apply(step: Step, table: KeyTable, model: Model): string | undefined {
  if (step.kind === 'add') {
    table.add(step.owner, hashOf(step.key));
    model.add(step.owner, step.key);
    return undefined;
  }
  if (step.kind === 'clear') {
    table.clear();
    model.owners.clear();
    return undefined;
  }
  const { most } = model;
  const due = most >= Math.max(1, step.least) ? Math.min(step.most, most) : 0;
  const evicted = table.evictHeaviest(step.least, step.most);
  if (evicted !== due) return `${evicted} were evicted instead of ${due}`;
  const losers = [...model.owners].filter(([owner, keys]) => keys.some((key) => !table.has(owner, hashOf(key))));
  if (losers.length !== (due === 0 ? 0 : 1)) return `${losers.length} owners lost something`;
  for (const [owner, keys] of losers) {
    if (keys.length !== most) return `${owner} has not most`;
    keys.splice(0, due);
  }
  return undefined;
}

describe('KeyTable', () => {
  it('holds what a plain table holds, whatever is added, evicted and cleared', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
        const [table, model] = [new KeyTable(), new Model()];
        for (const step of steps) {
          expect(apply(step, table, model)).toBeUndefined();
          expect(table.size).toBe(model.size);
          for (const owner of OWNERS) for (const key of KEYS.keys()) expect(table.has(owner, hashOf(key))).toBe(model.has(owner, key));
        }
      }),
    );
  });

  it('finds all again when it has grown', () => {
    const table = new KeyTable();
    const keys = Array.from({ length: 5000 }, (_, i) => hasher.hash(String(i)));
    for (const [i, key] of keys.entries()) table.add(i % 7, key);
    for (const [i, key] of keys.entries()) {
      expect(table.has(i % 7, key)).toBe(true);
      expect(table.has((i + 1) % 7, key)).toBe(false);
    }
    expect(table.size).toBe(5000);
  });

  it('knows what each of thousands of owners has', () => {
    const table = new KeyTable();
    const keys = Array.from({ length: 3 }, (_, i) => hasher.hash(String(i)));
    const owners = Array.from({ length: 3000 }, (_, i) => i * 65_537);
    // The last ones have three keys, all others two.
    for (const [n, key] of keys.entries()) for (const owner of n < 2 ? owners : owners.slice(-10)) table.add(owner, key);
    for (let i = 0; i < 10; i += 1) expect(table.evictHeaviest(3, 1)).toBe(1);
    expect(table.evictHeaviest(3, 1)).toBe(0);
    expect(table.size).toBe(6000);
    const kept = (owner: number): boolean[] => keys.map((key) => table.has(owner, key));
    expect(owners.slice(0, -10).filter((owner) => kept(owner).join() !== 'true,true,false')).toEqual([]);
    expect(owners.slice(-10).filter((owner) => kept(owner).join() !== 'false,true,true')).toEqual([]);
  });
});
