import type { Running } from '../contenders/contender.ts';
import { DEAD, depth, INGEST } from '../layout.ts';
import type { Books } from '../load/ledger.ts';
import type { BenchBroker } from '../support/broker.ts';

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
  // What was not acked is back in its queue.
  const [left, dead] = [await depth(broker, INGEST), await depth(broker, DEAD)];
  if (dead > 0) return `${dead} messages were dead-lettered`;
  if (lost > 0) return `${lost} of ${all} messages did not come out`;
  return left > 0 ? `${left} messages came out and were not acked` : undefined;
}
