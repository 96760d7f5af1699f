import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lastLines, run, SetupError, say } from './say.mjs';

const INSTALL_MS = 10 * 60_000;

/** @param {string} path */
function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** @param {string} root */
const stampPath = (root) => join(root, 'node_modules', '.sluice-lock');

/**
 * What node_modules must have been installed for: these versions, on this kind of machine (a folder shared between a
 * container and its host has the binaries of one of them only).
 * @param {string} lockText package-lock.json
 * @param {string} machine
 */
export function dependencyStamp(lockText, machine = `${process.platform}-${process.arch}`) {
  return `${createHash('sha256').update(lockText).digest('hex')} ${machine}\n`;
}

/**
 * Whether npm's own record of node_modules (`node_modules/.package-lock.json`) holds every package of package-lock.json
 * in the same version: somebody ran npm by hand. Optional packages may be missing (other platforms).
 * @param {string} lockText
 * @param {string | undefined} installedText
 */
export function sameVersions(lockText, installedText) {
  if (installedText === undefined) return false;
  /** @typedef {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }>} Packages */
  try {
    const wanted = /** @type {Packages} */ (JSON.parse(lockText).packages ?? {});
    const installed = /** @type {Packages} */ (JSON.parse(installedText).packages ?? {});
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const found = installed[path];
      if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
      return found.version === entry.version;
    });
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 * @returns {boolean}
 */
export function dependenciesCurrent(root) {
  const lockText = read(join(root, 'package-lock.json'));
  if (lockText === undefined) throw new SetupError(`package-lock.json is missing in ${root}: this is not a complete clone`);
  const stamp = read(stampPath(root));
  const wanted = dependencyStamp(lockText);
  if (stamp === wanted) return true;
  // Installed on another kind of machine: npm's record may agree, the binaries do not.
  if (stamp !== undefined && stamp.split(' ')[1] !== wanted.split(' ')[1]) return false;
  if (!sameVersions(lockText, read(join(root, 'node_modules', '.package-lock.json')))) return false;
  writeFileSync(stampPath(root), wanted);
  return true;
}

/**
 * One sentence for a failed `npm ci`.
 * @param {string} output
 */
export function explainNpm(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/i.test(output)) {
    return 'npm could not reach its registry. Check the network (or the proxy: npm config get proxy), then run the same command again.';
  }
  if (/EACCES|EPERM/.test(output))
    return 'npm may not write to node_modules: it belongs to another user. Remove the folder or change its owner, then try again.';
  if (/ENOSPC/.test(output)) return 'The disk is full.';
  if (/E40[13]|authentication/i.test(output)) return 'The npm registry refused access: check the registry and token in your .npmrc.';
  if (/EUSAGE/.test(output)) return 'package.json and package-lock.json do not agree: run npm install, and commit both.';
  return 'npm ci failed.';
}

/**
 * npm's own words, without warnings and without the stack and the help that follow them.
 * @param {string} output
 */
export function npmErrors(output) {
  const errors = output.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line) && !/^npm \S+ {5,}at /.test(line));
  return errors.length === 0 ? lastLines(output, 8) : lastLines(errors.slice(0, 8).join('\n'), 8);
}

/**
 * The npm that runs us, else the one on the PATH.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ command: string, args: string[] }}
 */
export function npmCommand(env) {
  const path = env['npm_execpath'];
  if (path !== undefined && basename(path).startsWith('npm-cli')) return { command: process.execPath, args: [path] };
  return { command: 'npm', args: [] };
}

/** @param {string} root */
export async function installDependencies(root) {
  say('installs the dependencies (npm ci); the first time this takes about half a minute');
  const { command, args } = npmCommand(process.env);
  // No scripts: none of the dependencies needs one, and ours must not call us again. Development dependencies too,
  // whatever NODE_ENV says: the compiler is one of them.
  const ran = await run(command, [...args, 'ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], {
    cwd: root,
    timeoutMs: INSTALL_MS,
  });
  if (ran.code === 127) throw new SetupError('npm is not on the PATH; it comes with Node.js: https://nodejs.org/en/download');
  if (ran.code === 124) throw new SetupError(`npm ci did not end within ${INSTALL_MS / 60_000} minutes. ${explainNpm('network')}`);
  if (ran.code !== 0) throw new SetupError(`${explainNpm(ran.output)}\n${npmErrors(ran.output)}`);
  writeFileSync(stampPath(root), dependencyStamp(readFileSync(join(root, 'package-lock.json'), 'utf8')));
}
