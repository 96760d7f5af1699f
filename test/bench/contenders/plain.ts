import { INGEST } from '../layout.ts';
import type { Contender } from './contender.ts';

/** Nobody in between: the consumer stands at the ingest queue itself. What latency is without a gateway. */
export const plain: Contender = {
  name: 'plain',
  each: () => 1,
  queue: INGEST,
  start: async (_, { broker }) => ({ pid: broker.pid, ready: Promise.resolve(), failure: () => undefined, stop: async () => {} }),
};
