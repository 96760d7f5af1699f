import type { FastifyPluginAsync } from 'fastify';
import type { EpochMs } from '../domain/message.ts';

/** One problem of the settings, and where it stands. */
export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The last attempt to load the settings again. */
export interface ConfigReload {
  readonly at: EpochMs;
  readonly ok: boolean;
  /** Of the settings that were tried. */
  readonly version: string | null;
  readonly problems: readonly ConfigProblem[];
}

/** The settings in force. */
export interface ConfigInForce {
  readonly version: string;
  readonly loadedAt: EpochMs;
  /** As it was named; null where the settings are from no file. */
  readonly file: string | null;
  /** Every key, secrets as `***`. */
  readonly settings: unknown;
  readonly warnings: readonly ConfigProblem[];
  readonly reload: ConfigReload | null;
}

/** `/api/config`. */
export function config(inForce: () => ConfigInForce): FastifyPluginAsync {
  return async (app) => {
    app.get('/api/config', () => inForce());
  };
}
