import { LOCAL_BROKER, splitUrls } from '../domain/broker-url.ts';
import { type LoadOptions, loadSettings, type LoadResult } from '../settings/load.ts';
import { shippedFile } from '../settings/shipped.ts';
import { CommandError, EXIT } from './command.ts';
import { formatProblem } from './problems.ts';

/** The settings, or a `CommandError` with everything that is wrong in them. */
export async function settingsOrExplain(file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Promise<Extract<LoadResult, { ok: true }>> {
  const loaded = await loadSettings(file, env, options);
  if (!loaded.ok) throw new CommandError(EXIT.settings, `the settings are wrong:\n${loaded.problems.map(formatProblem).join('\n')}`);
  return loaded;
}

/** The broker of a command without settings: what the command line says, else the environment, else this machine. */
export function brokerUrls(url: string | undefined, env: NodeJS.ProcessEnv): readonly string[] {
  return splitUrls(url ?? env['SLUICE_AMQP_URL'] ?? LOCAL_BROKER);
}

/** The settings that name every shipped profile. */
export function allProfiles(): string {
  return shippedFile('all-profiles.yaml');
}
