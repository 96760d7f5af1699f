// After a change of dependencies: node src/setup/complete-lock.mjs
// npm leaves optional packages of other platforms out of package-lock.json when its registry does not show them or when
// node_modules was there before (npm/cli#4828), and `npm ci` then refuses the file everywhere (EUSAGE). This adds the
// missing names; os, cpu and libc come from them, so that npm knows which to skip without asking for them.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ version?: string, dev?: boolean, license?: string, engines?: object, optionalDependencies?: Record<string, string> } & Record<string, unknown>} Entry */

const SYSTEM = /(?<![a-z])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(?![a-z0-9])/;
const PROCESSOR = /(?<![a-z])(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)(?![a-z0-9])/;

/**
 * Entry for a package that is known by its name alone.
 * @param {string} name
 * @param {string} version exact
 * @param {Entry} owner the package that may need it
 * @returns {Entry}
 */
export function platformEntry(name, version, owner) {
  const words = name.slice(name.lastIndexOf('/') + 1);
  const system = SYSTEM.exec(words)?.[1];
  const processor = PROCESSOR.exec(words)?.[1];
  const libc = /musl/.test(words) ? 'musl' : system === 'linux' && /(?<![a-z])gnu/.test(words) ? 'glibc' : undefined;
  return {
    version,
    ...(processor === undefined ? {} : { cpu: [processor] }),
    ...(owner.dev === true ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(owner.license === undefined ? {} : { license: owner.license }),
    optional: true,
    ...(system === undefined ? {} : { os: [system] }),
    ...(owner.engines === undefined ? {} : { engines: owner.engines }),
  };
}

/**
 * Adds what is missing; answers the names. Only exact versions: a range would have to be resolved.
 * @param {Record<string, Entry>} packages
 */
export function complete(packages) {
  /** @type {string[]} */
  const added = [];
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (packages[`node_modules/${name}`] !== undefined || packages[`${path}/node_modules/${name}`] !== undefined) continue;
      if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) continue;
      packages[`node_modules/${name}`] = platformEntry(name, version, entry);
      added.push(name);
    }
  }
  return added;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const added = complete(lock.packages);
  /** @type {[string, Entry][]} */
  const entries = Object.entries(lock.packages);
  // The project itself has the empty path and so stays first.
  lock.packages = Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b, 'en')));
  if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
  console.log(`${added.length} added${added.length === 0 ? '' : `: ${added.join(', ')}`}`);
}
