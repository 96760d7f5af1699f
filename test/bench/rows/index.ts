import { latencyRows, memoryLatencyRow, mqttRow } from './latency.ts';
import type { Row } from './row.ts';
import { backlogRow, scalingRows } from './scaling.ts';
import { startRow } from './start.ts';
import { throughputRows } from './throughput.ts';

/** Every row, in the order in which they are measured; those with a broker in memory are the last, for it is another one. */
export function allRows(): Row[] {
  return [...throughputRows(), ...latencyRows(), mqttRow(), startRow(), ...scalingRows(), backlogRow(), memoryLatencyRow()];
}
