import { latencyRows, mqttRow } from './latency.ts';
import type { Row } from './row.ts';
import { backlogRow, scalingRows } from './scaling.ts';
import { startRow } from './start.ts';
import { throughputRows } from './throughput.ts';

/** Every row, in the order in which they are measured. */
export function allRows(): Row[] {
  return [...throughputRows(), ...latencyRows(), mqttRow(), startRow(), ...scalingRows(), backlogRow()];
}
