import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asRoot, listsEmpty, packageLists } from './apt.mjs';
import { lastLines, run } from './say.mjs';

const APT_MS = 5 * 60_000;
const UNPACK_MS = 2 * 60_000;

/**
 * Names of the packages that apt would install for this one: itself, and what it needs and is not here.
 * @param {string} output of `apt-get --simulate install`: a line `Inst NAME (VERSION ...)` for each
 */
export function packagesIn(output) {
  return [...output.matchAll(/^Inst ([a-z0-9][a-z0-9+.-]*) /gm)].map(([, name = '']) => name);
}

/**
 * Fetches a package of the distribution and unpacks it into `folder`, with the packages that it needs and that are not
 * installed. It is not installed itself: that would start a service, and needs root. apt checks it against the signed lists
 * of the distribution all the same. Answers undefined, or what went wrong.
 * @param {string} name
 * @param {string} folder replaced
 * @param {'root' | 'sudo' | undefined} rights
 * @returns {Promise<string | undefined>}
 */
export async function unpackPackage(name, folder, rights) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const update = async () =>
    rights === undefined ? undefined : await asRoot(rights === 'sudo')(['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'], APT_MS);
  const download = async () => {
    const asked = await run('apt-get', ['-q', '-y', '--simulate', '--no-install-recommends', '--reinstall', 'install', name], { timeoutMs: APT_MS });
    const names = asked.code === 0 ? packagesIn(asked.output) : [];
    // As whoever runs this, not as the user _apt, who may not write here.
    const args = ['-q', '-o', 'APT::Sandbox::User=', 'download', ...(names.length > 0 ? names : [name])];
    return await run('apt-get', args, { cwd: folder, timeoutMs: APT_MS });
  };
  const fresh = listsEmpty(packageLists());
  if (fresh) await update();
  let fetched = await download();
  // Old lists name packages that the mirror has replaced meanwhile.
  if (fetched.code !== 0 && !fresh && (await update())?.code === 0) fetched = await download();
  if (fetched.code !== 0) return `apt-get download ${name} failed:\n${lastLines(fetched.output, 3)}`;
  const files = readdirSync(folder).filter((file) => file.endsWith('.deb'));
  if (files.length === 0) return `apt-get download ${name} ended well, but brought no package`;
  for (const file of files) {
    const unpacked = await run('dpkg-deb', ['-x', join(folder, file), folder], { timeoutMs: UNPACK_MS });
    if (unpacked.code !== 0) return `dpkg-deb -x ${file} failed:\n${lastLines(unpacked.output, 3)}`;
    rmSync(join(folder, file));
  }
  return undefined;
}
