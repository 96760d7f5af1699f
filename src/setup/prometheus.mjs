import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { asRoot, listsEmpty, packageLists } from './apt.mjs';
import { debianHere, rightsHere } from './rabbitmq.mjs';
import { lastLines, run, say } from './say.mjs';

const APT_MS = 5 * 60_000;
const UNPACK_MS = 2 * 60_000;

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
 * Fetches Debian's package and unpacks it into this clone. It is not installed: that would start a service, and needs
 * root. apt checks it against the signed lists of the distribution all the same. Answers undefined, or what went wrong.
 * @param {string} root
 * @param {'root' | 'sudo' | undefined} rights
 * @returns {Promise<string | undefined>}
 */
async function fetchPackage(root, rights) {
  say('fetches Prometheus from the distribution, for the tests of alerts and dashboards (about 20 MB; it is not installed)');
  const folder = `${own(root)}.new`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const update = async () =>
      rights === undefined ? undefined : await asRoot(rights === 'sudo')(['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'], APT_MS);
    // As whoever runs this, not as the user _apt, who may not write here.
    const download = async () => await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=', 'download', 'prometheus'], { cwd: folder, timeoutMs: APT_MS });
    const fresh = listsEmpty(packageLists());
    if (fresh) await update();
    let fetched = await download();
    // Old lists name packages that the mirror has replaced meanwhile.
    if (fetched.code !== 0 && !fresh && (await update())?.code === 0) fetched = await download();
    if (fetched.code !== 0) return `apt-get download prometheus failed:\n${lastLines(fetched.output, 3)}`;
    const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (file === undefined) return 'apt-get download prometheus ended well, but brought no package';
    const unpacked = await run('dpkg-deb', ['-x', join(folder, file), folder], { timeoutMs: UNPACK_MS });
    if (unpacked.code !== 0) return `dpkg-deb -x failed:\n${lastLines(unpacked.output, 3)}`;
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
