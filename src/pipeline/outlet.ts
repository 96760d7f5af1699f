import type { Fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';

/**
 * Where messages leave the edge: RabbitMQ (bridge), or the pipeline of this process (direct).
 *
 * Contract:
 * - `send` calls `done` exactly once: without a fault when the next owner has the message for good (confirmed and not returned), with
 *   one when it has not, or nobody can tell. It may call it before it returns.
 * - Messages arrive in the order of the calls. Where one is refused, a later one may be accepted, unless `perTopic` is 1.
 * - While `unavailable` is set nothing is sent; what is under way then gets its answer: at once where its channel is gone.
 */
export interface Outlet {
  /** Most messages under way. */
  readonly window: number;
  /** Most messages of one topic under way: 1 where a refused message may be overtaken, else `window`. */
  readonly perTopic: number;
  /** Why nothing can be sent now; undefined when it can. */
  readonly unavailable: Fault | undefined;
  /** Calls back after every change of `unavailable`. Answers how to stop. */
  onChange(listener: () => void): () => void;
  /** `late`: it waited so long that the next owner should be told when it was received. */
  send(message: KeptMessage, late: boolean, done: (fault: Fault | undefined) => void): void;
}
