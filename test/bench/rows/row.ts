import type { Scenario } from '../scenario.ts';

/** One contender under one load. */
export interface Subject {
  /** Of the subject within its row. */
  readonly label: string;
  readonly contender: string;
  readonly scenario: Scenario;
}

/** How a row is measured; see the folder `measure`. */
export type RowKind = 'drain' | 'latency' | 'saturate' | 'start';

/** Subjects that are measured side by side: in turn, again and again. The first is what the others are held against. */
export interface Row {
  readonly kind: RowKind;
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly subjects: readonly Subject[];
  /** What the subjects differ in, where it is a number of the scenario. */
  readonly axis?: keyof Scenario | undefined;
  /** The broker keeps its data in memory: what its disk takes to sync is left out, and so is what a broker is there for. */
  readonly memory?: boolean | undefined;
  /** Rounds, where they are not as many as for all the others. */
  readonly rounds?: number | undefined;
}
