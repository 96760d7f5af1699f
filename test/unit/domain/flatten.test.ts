import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeKey, exclude, type Exclusions, exclusions, MAX_NAME, type Places, splitFlatName, ValueCollector } from '../../../src/domain/flatten.ts';
import type { Document } from '../../../src/domain/payload-path.ts';

function flatten(document: Document, without: readonly string[] = [], fields = 1000, characters = 100_000): unknown {
  let tree: Exclusions | undefined;
  for (const name of without) {
    tree ??= exclusions();
    exclude(tree, splitFlatName(name));
  }
  const collector = new ValueCollector();
  collector.open(fields, characters, []);
  collector.flatten('', document, tree);
  return collector.problem?.code ?? { ...collector.values };
}

describe('flattened names', () => {
  it.each([
    ['{"a":{"b":1},"c":[5,[6]]}', { 'a.b': 1, 'c.0': 5, 'c.1.0': 6 }],
    ['{"a.b":1,"a":{"b":2}}', { 'a\\.b': 1, 'a.b': 2 }],
    ['{"a\\\\":{"b":1},"a\\\\.b":2}', { 'a\\\\.b': 1, 'a\\\\\\.b': 2 }],
    ['{"":{"":1},".":2}', { '.': 1, '\\.': 2 }],
    ['{"a":null,"b":{"c":null},"d":[null,1],"e":{},"f":[]}', { 'd.1': 1 }],
    ['{"\\u00e9":1,"e\\u0301":2}', { é: 1, 'e\u0301': 2 }],
  ])('%s', (text, values) => {
    expect(flatten(JSON.parse(text) as Document)).toEqual(values);
  });

  it('never meet: each place of a document has a name of its own', () => {
    const key = fc.stringMatching(/^[a.\\]{0,3}$/);
    const { document } = fc.letrec<{ document: Document }>((tie) => ({
      document: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.dictionary(key, tie('document')), fc.array(tie('document'), { maxLength: 3 })),
    }));
    const leaves = (node: Document): number =>
      typeof node === 'object' && node !== null ? Object.values(node).reduce((n: number, child) => n + leaves(child), 0) : 1;
    fc.assert(
      fc.property(document, (node) => {
        fc.pre(typeof node === 'object');
        expect(Object.keys(flatten(node) as object)).toHaveLength(leaves(node));
      }),
      { numRuns: 500 },
    );
  });

  it('come apart again', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[a.\\]{0,4}$/)), { minLength: 1 }), (keys) => {
        expect(splitFlatName(keys.map(escapeKey).join('.'))).toEqual(keys);
      }),
    );
  });
});

describe('exclusion', () => {
  it.each([
    [['a'], { 'b.c': 2, 'b.d.e': 3, 'f.g': 4 }],
    [['b'], { a: 1, 'f.g': 4 }],
    [['b.d'], { a: 1, 'b.c': 2, 'f.g': 4 }],
    [['b.d.e', 'b.c'], { a: 1, 'f.g': 4 }],
    [['f\\.g'], { a: 1, 'b.c': 2, 'b.d.e': 3, 'f.g': 4 }],
    [['nothing'], { a: 1, 'b.c': 2, 'b.d.e': 3, 'f.g': 4 }],
  ])('of %j', (names, values) => {
    expect(flatten({ a: 1, b: { c: 2, d: { e: 3 } }, f: { g: 4 } }, names)).toEqual(values);
  });
});

describe('bounds', () => {
  it('on values, text and names', () => {
    expect(flatten([1, 2, 3], [], 3)).toEqual({ 0: 1, 1: 2, 2: 3 });
    expect(flatten([1, 2, 3], [], 2)).toBe('LIMIT_FIELDS');
    expect(flatten(['abc', 'de'], [], 10, 5)).toEqual({ 0: 'abc', 1: 'de' });
    expect(flatten(['abc', 'def'], [], 10, 5)).toBe('LIMIT_BYTES');
    expect(flatten({ ['k'.repeat(MAX_NAME)]: 1 })).toEqual({ ['k'.repeat(MAX_NAME)]: 1 });
    expect(flatten({ ['k'.repeat(MAX_NAME + 1)]: 1 })).toBe('SCHEMA_MISMATCH');
    expect(flatten({ ['k'.repeat(1_000_000)]: Array.from({ length: 900 }, () => 0) })).toBe('SCHEMA_MISMATCH');
  });

  it('are the same whatever the messages before looked like', () => {
    const tree = exclusions();
    exclude(tree, ['a', 'b']);
    exclude(tree, ['c']);
    const key = fc.constantFrom('a', 'b', 'c', 'a.b', 'd\\', '0');
    const node = fc.letrec<{ node: Document }>((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.dictionary(key, tie('node'), { maxKeys: 4 }), fc.array(tie('node'), { maxLength: 3 })),
    })).node;
    const collector = new ValueCollector();
    const places: Places = [];
    fc.assert(
      fc.property(fc.dictionary(key, node, { maxKeys: 5 }), fc.boolean(), (document, excluded) => {
        const without = excluded ? tree : undefined;
        collector.open(1000, 1000, places);
        collector.flatten('', document, without);
        const fresh = new ValueCollector();
        fresh.open(1000, 1000, []);
        fresh.flatten('', document, without);
        expect({ ...collector.values }).toEqual({ ...fresh.values });
      }),
      { numRuns: 2000 },
    );
    expect(places.length).toBeGreaterThan(3);
  });

  it('are those of the message, not of each reading', () => {
    const collector = new ValueCollector();
    collector.open(3, 100, []);
    collector.flatten('', [1, 2], undefined);
    collector.next();
    collector.flatten('', [1, 2], undefined);
    expect(collector.problem?.code).toBe('LIMIT_FIELDS');
    collector.open(3, 100, []);
    expect(collector.problem).toBeUndefined();
  });
});
