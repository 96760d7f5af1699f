import type { Observer, Phase } from '../domain/events.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { reportBroker } from './broker-probe.ts';
import { assertTopology, TopologyError } from '../rabbit/assert-topology.ts';
import type { Connection } from '../rabbit/connection.ts';
import { pause } from '../rabbit/deadline.ts';
import type { Session } from '../rabbit/session.ts';
import type { Topology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';

export interface DeclarationsOptions {
  readonly topology: Topology;
  /** The consuming one: what it reads is declared on it. */
  readonly session: Session;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly phase: (phase: Phase, reason?: string) => void;
  /** Why the ingest queue is not bound as it should be; undefined as a rule. */
  readonly missing: () => string | undefined;
  /** For every single answer of the broker. */
  readonly answerMs: number;
}

/** What the gateway declares on the broker: at the start, whenever it begins to consume, and for other settings. */
export class Declarations {
  private readonly options: DeclarationsOptions;
  private topology: Topology;

  constructor(options: DeclarationsOptions) {
    this.options = options;
    this.topology = options.topology;
  }

  /** Other settings are in force: from here on this is declared. */
  use(topology: Topology): void {
    this.topology = topology;
  }

  /** The first declaration is different from later ones: what is wrong now is wrong in the settings or the rights. */
  async first(settings: Settings, log: Parameters<typeof reportBroker>[3], signal: AbortSignal): Promise<void> {
    const { session, scheduler } = this.options;
    for (;;) {
      const connection = session.current;
      try {
        if (connection !== undefined) {
          await this.declare(connection);
          await reportBroker(connection, settings, this.topology, log);
          return;
        }
      } catch (error) {
        if (error instanceof TopologyError && error.code !== undefined && connection?.lost === false) throw error;
      }
      await pause(200, signal, scheduler);
      if (signal.aborted) throw new Error('stopped before the topology was declared');
    }
  }

  async declare(connection: Connection): Promise<void> {
    const { phase, missing } = this.options;
    try {
      await this.assert(connection, this.topology);
      // What was found missing is believed to be back when it is seen.
      if (missing() === undefined) phase('ready');
    } catch (error) {
      phase('degraded', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** For settings that are not in force yet. Rejects where the broker will not have what they name, and where it is away. */
  async tryOut(topology: Topology): Promise<void> {
    const { session } = this.options;
    const connection = session.current;
    if (connection === undefined) {
      const why = session.reason === undefined ? '' : ` (${session.reason})`;
      throw new Error(`exchanges or queues have changed, and there is no connection to the broker to declare them${why}; try again when it is back`);
    }
    await this.assert(connection, topology);
  }

  private async assert(connection: Connection, topology: Topology): Promise<void> {
    const { answerMs, scheduler, observer } = this.options;
    await assertTopology(connection, topology, { timeoutMs: answerMs, scheduler, observer });
  }
}
