import type { Caught } from './catcher.ts';
import type { Books } from './ledger.ts';
import { readStamps } from './stamp.ts';

/** What became of messages with stamps. */
export interface StampBooks extends Books {
  /** Milliseconds from when a message was due to when it came out, of those that were due within the time; in ascending order. */
  readonly latencies: Float64Array;
}

/** `publishedEach`: messages of each client, numbered from 0. `from`, `to`: milliseconds since 1970. */
export function auditStamps(caught: readonly Caught[], publishedEach: readonly number[], from: number, to: number): StampBooks {
  const seen = publishedEach.map((count) => new Uint8Array(count));
  const latencies: number[] = [];
  let duplicates = 0;
  let different = 0;
  for (const { atMs, body } of caught) {
    readStamps(body, ({ client, number, dueAt }) => {
      const ofClient = seen[client];
      if (ofClient === undefined || number >= ofClient.length) throw new Error(`a message that was never sent: client ${client}, number ${number}`);
      if (ofClient[number] === 1) {
        duplicates += 1;
        return;
      }
      ofClient[number] = 1;
      different += 1;
      if (dueAt >= from && dueAt < to) latencies.push(atMs - dueAt);
    });
  }
  const sent = publishedEach.reduce((sum, count) => sum + count, 0);
  return { lost: sent - different, duplicates, latencies: Float64Array.from(latencies).toSorted() };
}
