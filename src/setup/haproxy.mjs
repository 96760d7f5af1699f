import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackPackage } from './debian-package.mjs';
import { debianHere, rightsHere } from './rabbitmq.mjs';
import { say } from './say.mjs';

/** Folder of this clone for an HAProxy that the system does not have. @param {string} root */
const own = (root) => join(root, '.sluice', 'haproxy');

/** Folders with shared libraries below an unpacked package: Debian's have one for each architecture. @param {string} folder */
function libraries(folder) {
  const lib = join(folder, 'usr', 'lib');
  return existsSync(lib) ? [lib, ...readdirSync(lib).map((name) => join(lib, name))] : [];
}

/**
 * The program, and the environment that it needs, or undefined. `SLUICE_HAPROXY` (the program) is the only place looked at
 * when it is set.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ program: string, env: Record<string, string> } | undefined}
 */
export function haproxyHere(root, env) {
  const given = env['SLUICE_HAPROXY'] ?? '';
  if (given !== '') return existsSync(given) ? { program: given, env: {} } : undefined;
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = [...path, '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'].map((folder) => join(folder, 'haproxy')).find((file) => existsSync(file));
  if (system !== undefined) return { program: system, env: {} };
  const program = join(own(root), 'usr', 'sbin', 'haproxy');
  return existsSync(program) ? { program, env: { LD_LIBRARY_PATH: libraries(own(root)).join(':') } } : undefined;
}

/**
 * Sees to it that the tests find an HAProxy, if that can be done. Without one they are skipped, so nothing here fails.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export async function provideHaproxy(root, env) {
  if (haproxyHere(root, env) !== undefined) return;
  if (debianHere() && (env['SLUICE_HAPROXY'] ?? '') === '') {
    say('fetches HAProxy from the distribution, for the tests of docker/haproxy (about 2 MB; it is not installed)');
    const draft = `${own(root)}.new`;
    const failure = await unpackPackage('haproxy', draft, await rightsHere());
    if (failure === undefined) {
      mkdirSync(join(root, '.sluice'), { recursive: true, mode: 0o700 });
      rmSync(own(root), { recursive: true, force: true });
      renameSync(draft, own(root));
    } else {
      say(failure);
      rmSync(draft, { recursive: true, force: true });
    }
  }
  if (haproxyHere(root, env) === undefined) say('no HAProxy: tests of the load balancer are skipped. Put haproxy on the PATH, or name it in SLUICE_HAPROXY');
}
