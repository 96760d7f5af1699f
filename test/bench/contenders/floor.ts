import { EXCHANGE, INGEST, OUTPUT } from '../layout.ts';
import { script } from '../support/place.ts';
import type { Contender } from './contender.ts';
import { startNode } from './node-process.ts';

/** What its process is told. */
export interface FloorOrder {
  readonly url: string;
  readonly ingest: string;
  readonly exchange: string;
  readonly payload: string;
  readonly prefetch: number;
  /** Messages in one of the output. */
  readonly size: number;
}

/** A loop on amqplib without any feature: parse, stringify so many as one array, publish with confirm, ack up to it. */
export const floor: Contender = {
  name: 'floor',
  each: ({ batch }) => batch,
  queue: OUTPUT,
  start: async ({ payload, prefetch, batch }, stand) => {
    const order: FloorOrder = { url: stand.broker.amqpUrl, ingest: INGEST, exchange: EXCHANGE, payload, prefetch, size: batch };
    return startNode(
      { name: 'floor', args: [script('contenders/floor-process')], env: { BENCH_FLOOR: JSON.stringify(order) }, saysReady: (line) => line === 'ready' },
      stand,
    );
  },
};
