import type { FastifyPluginAsync } from 'fastify';
import type { EpochMs } from '../domain/message.ts';
import type { ReloadReport, SettingsProblem } from './ports.ts';

/** The settings in force. */
export interface ConfigInForce {
  readonly version: string;
  readonly loadedAt: EpochMs;
  /** As it was named; null where the settings are from no file. */
  readonly file: string | null;
  /** Every key, secrets as `***`. */
  readonly settings: unknown;
  readonly warnings: readonly SettingsProblem[];
  /** How the last attempt to load them again ended. */
  readonly reload: ReloadReport | null;
}

/** `/api/config`. */
export function config(inForce: () => ConfigInForce): FastifyPluginAsync {
  return async (app) => {
    app.get('/api/config', () => inForce());
  };
}
