import { contentOf } from '../codec/content.ts';
import type { Batch, Item } from './ports.ts';

/** Of a batch these items alone: rarely needed, so their texts are not kept. */
export function partOf(batch: Batch, items: readonly Item[]): Batch {
  const readings = items.map(({ reading }) => reading);
  return { ...batch, items, content: contentOf(readings, batch.encoding), bytes: bytesOf(items) };
}

/** UTF-8 bytes of the texts of these items. */
export function bytesOf(items: readonly Item[]): number {
  let sum = 0;
  for (const item of items) sum += item.bytes;
  return sum;
}
