import type { Scenario } from '../scenario.ts';
import type { BenchBroker } from '../support/broker.ts';
import type { ProbeReading } from './probe-file.ts';

/** Where a contender runs. */
export interface Stand {
  readonly broker: BenchBroker;
  /** Folder of this round alone. */
  readonly dir: string;
  /** Folder for CPU profiles of the contenders; undefined: none are made. */
  readonly profiles: string | undefined;
}

/** A contender at work. */
export interface Running {
  /** The process that does the work; of Shovel the broker's. */
  readonly pid: number;
  /** Resolves when it consumes. */
  readonly ready: Promise<void>;
  /** What only the inside of the process knows, since it was last asked; undefined where there is no such process. */
  readonly probe?: (() => Promise<ProbeReading>) | undefined;
  /** Of its HTTP server, where it has one. */
  readonly url?: string | undefined;
  /** Why it is no more; undefined while it runs. */
  readonly failure: () => string | undefined;
  /** Ends it in order: what it holds goes out. */
  readonly stop: () => Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Messages of devices in one message of the output that does not say so itself. */
  readonly each: (scenario: Scenario) => number;
  /** Queue at whose end its output is caught. */
  readonly queue: string;
  readonly start: (scenario: Scenario, stand: Stand) => Promise<Running>;
}
