import type { Caught } from './catcher.ts';
import { numberIn, parserOf } from './payloads.ts';

/** What became of the messages that went in. */
export interface Books {
  readonly lost: number;
  readonly duplicates: number;
}

/** Numbers of the messages in a body that a contender put out. */
export type Reader = (body: Buffer) => number[];

export function readerOf(contender: string, payload: string): Reader {
  const parse = parserOf(payload);
  const number = (document: unknown): number => numberIn(payload, document) ?? Number.NaN;
  switch (contender) {
    case 'sluice':
      return (body) => (JSON.parse(body.toString()) as { readings: { values: { n: number } }[] }).readings.map(({ values }) => values.n);
    case 'floor':
      return (body) => (JSON.parse(body.toString()) as unknown[]).map(number);
    default:
      return (body) => [number(parse(body))];
  }
}

/** Ticks off every number from 0 to `count` - 1. Throws at a number that was never sent: then it is the bench that is wrong. */
export function audit(caught: readonly Caught[], count: number, read: Reader): Books {
  const seen = new Uint8Array(count);
  let duplicates = 0;
  let different = 0;
  for (const { body } of caught) {
    for (const n of read(body)) {
      if (!(Number.isInteger(n) && n >= 0 && n < count))
        throw new Error(`a message with the number ${n}, which was never sent: ${body.toString().slice(0, 300)}`);
      if (seen[n] === 1) duplicates += 1;
      else different += 1;
      seen[n] = 1;
    }
  }
  return { lost: count - different, duplicates };
}
