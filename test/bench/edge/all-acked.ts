import type { MqttLoad } from '../load/mqtt-load-process.ts';
import { LostError } from './audit.ts';

/** Longest wait for what is still on its way, milliseconds. */
export const ACK_MS = 120_000;

/** Waits until what was published is acknowledged, all of it. Throws LostError. */
export async function allAcked(load: MqttLoad): Promise<{ readonly acked: number; readonly publishedEach: readonly number[] }> {
  const finished = await load.finish(ACK_MS);
  if (finished.missing > 0) throw new LostError(`${finished.missing} messages were not acknowledged within ${ACK_MS} ms`);
  return finished;
}
