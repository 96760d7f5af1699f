import { type LoadOptions, loadSettings, type LoadResult } from '../settings/load.ts';
import { CommandError, EXIT } from './command.ts';
import { formatProblem } from './problems.ts';

/** The settings, or a `CommandError` with everything that is wrong in them. */
export async function settingsOrExplain(file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Promise<Extract<LoadResult, { ok: true }>> {
  const loaded = await loadSettings(file, env, options);
  if (!loaded.ok) throw new CommandError(EXIT.settings, `the settings are wrong:\n${loaded.problems.map(formatProblem).join('\n')}`);
  return loaded;
}
