import { contentOf, textsIn } from '../codec/content.ts';
import type { Reading } from '../domain/reading.ts';
import type { Batch, Item } from './ports.ts';

/** Of a batch these of its items alone, in its order. */
export function partOf(batch: Batch, items: readonly Item[]): Batch {
  return { ...batch, items, content: contentOf(textsFor(batch, items), batch.encoding), bytes: bytesOf(items) };
}

/** Ids of the readings of these items of a batch, in its order. */
export function idsOf(batch: Batch, items: readonly Item[]): string[] {
  return textsFor(batch, items).map((text) => (JSON.parse(text.toString()) as Pick<Reading, 'id'>).id);
}

/** The texts of the items of a batch, in order: views of its content. Throws where that holds anything else. */
export function textsOf({ items, content }: Batch): Buffer[] {
  return textsIn(
    content,
    items.map(({ bytes }) => bytes),
  );
}

function textsFor(batch: Batch, items: readonly Item[]): Buffer[] {
  const wanted = new Set(items);
  return textsOf(batch).filter((_, i) => wanted.has(batch.items[i] as Item));
}

/** UTF-8 bytes of the texts of these items. */
export function bytesOf(items: readonly Item[]): number {
  let sum = 0;
  for (const item of items) sum += item.bytes;
  return sum;
}

/** Marks of the batch at hand, by a part of the hash; so many that most batches have no two items with one. */
const MARKS = 16_384;
const marks = new Uint32Array(MARKS);
let mark = 0;

/**
 * Items that say what an earlier one of these says: a device sends again what it had no answer to, and both copies come within the
 * age of a batch. Some 5 ns an item; every one that shares its mark with another is looked at closely.
 */
export function copiesIn(items: readonly Item[]): Item[] {
  mark = (mark + 1) >>> 0;
  const suspects: number[] = [];
  for (let i = 0; i < items.length; i += 1) {
    const key = (items[i] as Item).dedupeKey;
    if (key === undefined) continue;
    const at = key.a & (MARKS - 1);
    if (marks[at] === mark) suspects.push(i);
    marks[at] = mark;
  }
  return suspects.map((i) => items[i] as Item).filter((item) => items.indexOf(item) !== items.findIndex((other) => isCopy(item, other)));
}

function isCopy({ dedupeKey: a, device }: Item, { dedupeKey: b, device: other }: Item): boolean {
  return a !== undefined && b !== undefined && a.a === b.a && a.b === b.b && a.c === b.c && device === other;
}
