import { existsSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackPackage } from './debian-package.mjs';
import { debianHere, rightsHere } from './rabbitmq.mjs';
import { say } from './say.mjs';

/** Folder of this clone for a Prometheus that the system does not have. @param {string} root */
const own = (root) => join(root, '.sluice', 'prometheus');

/** @param {string} folder */
const holdsBoth = (folder) => existsSync(join(folder, 'prometheus')) && existsSync(join(folder, 'promtool'));

/**
 * Folder with `prometheus` and `promtool`, or undefined. `SLUICE_PROMETHEUS_HOME` is the only place looked at when it is set.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function prometheusFolder(root, env) {
  const home = env['SLUICE_PROMETHEUS_HOME'];
  if (home !== undefined && home !== '') return [home, join(home, 'bin')].find(holdsBoth);
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path, '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', own(root)].find(holdsBoth);
}

/**
 * Answers undefined, or what went wrong.
 * @param {string} root
 * @param {'root' | 'sudo' | undefined} rights
 * @returns {Promise<string | undefined>}
 */
async function fetchPackage(root, rights) {
  say('fetches Prometheus from the distribution, for the tests of alerts and dashboards (about 20 MB; it is not installed)');
  const folder = `${own(root)}.new`;
  try {
    const failure = await unpackPackage('prometheus', folder, rights);
    if (failure !== undefined) return failure;
    // Only the two programs: the rest is for the service.
    rmSync(own(root), { recursive: true, force: true });
    renameSync(join(folder, 'usr', 'bin'), own(root));
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Sees to it that the tests find a Prometheus, if that can be done. Without one they are skipped, so nothing here fails.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export async function providePrometheus(root, env) {
  if (prometheusFolder(root, env) !== undefined) return;
  const given = (env['SLUICE_PROMETHEUS_HOME'] ?? '') !== '';
  const failure = debianHere() && !given ? await fetchPackage(root, await rightsHere()) : undefined;
  if (failure !== undefined) say(failure);
  if (prometheusFolder(root, env) === undefined) {
    say('no Prometheus: tests of alerts and dashboards are skipped. Put prometheus and promtool on the PATH, or name their folder in SLUICE_PROMETHEUS_HOME');
  }
}
