import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError, say } from './say.mjs';

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Process id of the live process that holds the lock, or undefined.
 * @param {string} path
 * @returns {number | undefined}
 */
export function lockHolder(path) {
  const pid = Number.parseInt(read(path) ?? '', 10);
  return Number.isInteger(pid) && pid > 0 && alive(pid) ? pid : undefined;
}

/**
 * Takes the lock or answers false. The file appears with its content in it (a link to a finished draft), so that no
 * reader can meet a lock without an owner.
 * @param {string} path
 */
function take(path) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${process.pid}\n`);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    // A file system without hard links.
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return true;
    } catch (second) {
      if (/** @type {NodeJS.ErrnoException} */ (second).code === 'EEXIST') return false;
      throw second;
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock of a dead process. Two may try at once: the move tells who was first, and one that moved a fresh
 * lock away by mistake puts it back.
 * @param {string} path
 */
function removeStale(path) {
  if (lockHolder(path) !== undefined) return;
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (lockHolder(aside) === undefined) {
    rmSync(aside, { force: true });
    return;
  }
  try {
    linkSync(aside, path);
  } catch {
    // A third process has taken it in between; its work and the other's are the same.
  }
  rmSync(aside, { force: true });
}

/**
 * Runs `work` while no other process does. Waits for the other one, at most `waitMs`.
 * @template T
 * @param {string} path
 * @param {number} waitMs
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, waitMs, work) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const end = performance.now() + waitMs;
  let told = false;
  while (!take(path)) {
    const holder = lockHolder(path);
    if (holder === undefined) {
      removeStale(path);
      continue;
    }
    if (performance.now() >= end) throw new SetupError(`another set-up (pid ${holder}) has held ${path} for too long; end that process and try again`);
    if (!told) say(`waits for another set-up of this folder (pid ${holder})`);
    told = true;
    await sleep(200);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}
