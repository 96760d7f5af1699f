import type { Fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Outlet } from '../pipeline/outlet.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { SpoolPort } from './ports.ts';

export interface KeeperOptions {
  readonly spool: SpoolPort;
  readonly outlet: Outlet;
  readonly scheduler: Scheduler;
  /** Its messages: `filtered` are those of QoS 0 that were dropped, `dead-lettered` those that `refuse` has taken. */
  readonly ledger: Ledger;
  /** A message whose confirm takes longer is written to the spool as well, so that its device need not wait. 0: each at once. */
  readonly spoolAfterMs: number;
  /** A message that is sent so long after it was received is late. */
  readonly lateAfterMs: number;
  readonly retry: { readonly baseMs: number; readonly capMs: number };
  /** Most messages a second from the spool to the outlet; 0 for no bound. */
  readonly drainPerSecond: number;
  /** Called once when the spool is full, not again before it has answered: may drop what is not acknowledged. */
  readonly makeRoom?: (() => Promise<void>) | undefined;
  /** A message that the outlet will never take. Must keep it elsewhere, and call `done` when it is safe there. */
  readonly refuse: (message: KeptMessage, fault: Fault, done: (error: Error | undefined) => void) => void;
  /** A message was refused for now, how often in a row its topic has been, and why. For the log. */
  readonly onHeld?: ((topic: string, attempts: number, fault: Fault) => void) | undefined;
}
