import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../contenders/contender.ts';
import { DEAD, depth, INGEST } from '../layout.ts';
import type { Books } from '../load/ledger.ts';
import type { BenchBroker } from '../support/broker.ts';

const SETTLE_MS = 15_000;

/** Ends a contender; answers why it did not end in order, undefined when it did. */
export async function stopped(running: Running): Promise<string | undefined> {
  try {
    await running.stop();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is left on the broker when a contender has ended, and what the ledger says: why its round does not count, undefined when it does. */
export async function verdict(broker: BenchBroker, { lost }: Books, all: number): Promise<string | undefined> {
  const dead = await depth(broker, DEAD);
  // What was not acked is back in its queue for good; a quorum queue tells its length some moments late.
  let left = await depth(broker, INGEST);
  for (const end = performance.now() + SETTLE_MS; left > 0 && performance.now() < end; await sleep(100)) left = await depth(broker, INGEST);
  if (dead > 0) return `${dead} messages were dead-lettered`;
  if (lost > 0) return `${lost} of ${all} messages did not come out`;
  return left > 0 ? `${left} messages came out and were not acked` : undefined;
}
