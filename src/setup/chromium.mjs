import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { asRoot, listsEmpty, packageLists } from './apt.mjs';
import { debianHere, rightsHere } from './rabbitmq.mjs';
import { lastLines, run, say } from './say.mjs';

const APT_MS = 10 * 60_000;
const START_MS = 60_000;
/** Without a window: about 60 MB to fetch instead of 80. */
const PACKAGE = 'chromium-headless-shell';
const NAMES = [PACKAGE, 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const PLACES = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'];

/**
 * A Chromium for the tests of the console, or undefined. `SLUICE_CHROMIUM` is the only one looked at when it is set.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function chromiumPath(env) {
  const given = env['SLUICE_CHROMIUM'];
  if (given !== undefined && given !== '') return existsSync(given) ? given : undefined;
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];
  return [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...PLACES].find((path) => existsSync(path));
}

/**
 * @param {boolean} sudo
 * @returns {Promise<string | undefined>} what went wrong
 */
async function install(sudo) {
  const root = asRoot(sudo);
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120'];
  const update = async () => await root([...apt, 'update'], APT_MS);
  const get = async () => await root([...apt, 'install', '-y', '--no-install-recommends', PACKAGE], APT_MS);
  const fresh = listsEmpty(packageLists());
  if (fresh) await update();
  let installed = await get();
  // Old lists name packages that the mirror has replaced meanwhile.
  if (installed.code !== 0 && !fresh && (await update()).code === 0) installed = await get();
  return installed.code === 0 ? undefined : `apt-get install ${PACKAGE} failed:\n${lastLines(installed.output, 3)}`;
}

/**
 * Sees to it that the tests find a Chromium, if that can be done. Without one they are skipped, so nothing here fails.
 * @param {NodeJS.ProcessEnv} env
 */
export async function provideChromium(env) {
  if (chromiumPath(env) !== undefined) return;
  const given = (env['SLUICE_CHROMIUM'] ?? '') !== '';
  const rights = debianHere() && !given ? await rightsHere() : undefined;
  if (rights !== undefined) {
    say(`installs Chromium from the distribution, for the tests of the console: ${rights === 'sudo' ? 'sudo ' : ''}apt-get install ${PACKAGE} (about 60 MB)`);
    const failure = await install(rights === 'sudo');
    if (failure !== undefined) say(failure);
  }
  const path = chromiumPath(env);
  if (path === undefined) say('no Chromium: tests of the console in a browser are skipped. Install chromium, or name the program in SLUICE_CHROMIUM');
  else if ((await run(path, ['--version'], { timeoutMs: START_MS })).code !== 0) say(`${path} does not start: tests of the console in a browser will fail`);
}
