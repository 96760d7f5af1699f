import type { Field } from './field.ts';

/** Mends what `inject` broke. Called once, also when the run is given up. */
export type Heal = () => Promise<void>;

/** Does what else `inject` has to do when something is broken already: answers how to mend it, and mends it where that fails. */
export async function orMend(heal: Heal, rest: () => Promise<void>): Promise<Heal> {
  try {
    await rest();
  } catch (error) {
    await heal();
    throw error;
  }
  return heal;
}

/** This machine does not allow the fault: the row is skipped, and says why. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}

/** One way in which things go wrong. */
export interface Fault {
  /** Name on the command line. */
  readonly kind: string;
  /** Rows of the fault matrix (see matrix.ts). */
  readonly rows: readonly string[];
  /** One line for a person: what is done. */
  readonly doc: string;
  /** `private`: breaks a broker or a gateway, so they must be ours. `cluster`: and the broker must be a cluster of three. `edge`: and devices publish to an edge. `direct`: and to the gateway itself. */
  readonly needs: 'private' | 'cluster' | 'edge' | 'direct' | 'none';
  /** The gateway must show it (readiness, a session, silence) within so many milliseconds. Undefined: it need not, or with these settings cannot. */
  readonly showsWithinMs?: ((field: Field) => number | undefined) | undefined;
  /** How long it lasts after it showed, milliseconds; default 0: it is mended at once. */
  readonly holdMs?: number;
  /** Deliveries that were unacked come again: the row is void where the broker saw no redelivery. */
  readonly redelivers?: boolean;
  /** Most messages that may arrive twice because of it; undefined: no bound is promised. */
  readonly mostDuplicates?: (field: Field) => number;
  /** Resolves when the fault is in force. What it cannot do it throws: a fault that was not applied proves nothing. `NotHere` skips the row. */
  inject(field: Field): Promise<Heal>;
}
