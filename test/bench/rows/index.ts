import type { Row } from './row.ts';
import { throughputRows } from './throughput.ts';

/** Every row, in the order in which they are measured. */
export function allRows(): Row[] {
  return [...throughputRows()];
}
