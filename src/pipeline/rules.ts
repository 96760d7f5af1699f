import type { Normaliser } from './normaliser.ts';
import type { Router } from './router.ts';

/** What decides about a message. Replaced as a whole when the settings change. */
export interface Rules {
  /** Version of the settings that they were made of; batches and dead letters carry it. */
  readonly config: string;
  readonly normaliser: Pick<Normaliser, 'normalise'>;
  readonly router: Pick<Router, 'route'>;
}
