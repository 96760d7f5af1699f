import type { Stand } from '../contenders/contender.ts';
import type { Measures } from '../support/result.ts';
import type { Subject } from '../rows/row.ts';

/** What one round of one subject came to. */
export interface Outcome {
  readonly measures: Measures;
  /** Numbers over the course of the round. */
  readonly course?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Why the round does not count; undefined when every message came out. */
  readonly failure: string | undefined;
}

export type Measurer = (subject: Subject, stand: Stand) => Promise<Outcome>;
