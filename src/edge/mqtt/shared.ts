import type { AedesBroker } from './aedes-client.ts';
import type { Audience } from './audience.ts';
import type { Counters } from './counters.ts';
import type { HoldPool } from './limits/hold-pool.ts';
import type { Throttle } from './limits/throttle.ts';
import type { UserClients } from './limits/user-clients.ts';
import type { Limits } from './options.ts';
import type { ListenerEvent } from './ports.ts';
import type { Wire } from './wire.ts';

/** What the connections of one listener have in common. */
export interface Shared {
  readonly broker: AedesBroker;
  readonly limits: Limits;
  readonly pool: HoldPool;
  readonly counters: Counters;
  readonly audience: Audience;
  readonly users: UserClients;
  readonly wires: Set<Wire>;
  /** Those that were faster than their publishes per second, and wait. */
  readonly throttled: Throttle;
  readonly emit: (event: ListenerEvent) => void;
  /** Time of the last look at the clock: a connection looks when it is read. */
  now: number;
  /** Nothing more is read. */
  closing: boolean;
}
