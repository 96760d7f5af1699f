import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether a process with this id exists, ours or not. A zombie counts as gone. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (!existsSync('/proc/self/stat')) return true;
  try {
    // proc(5): the state follows the command name, which stands in parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Command line of a process, arguments joined by blanks; empty when it is gone or not readable. */
export function commandOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** Polls until the process is gone; false when it is still there after `deadlineMs`. For processes that are not our children. */
export async function gone(pid: number, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (alive(pid)) {
    if (performance.now() >= end) return false;
    await sleep(50);
  }
  return true;
}

/** A signal to a process that may have ended meanwhile. Answers false when it had. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** SIGTERM, and SIGKILL after `graceMs`. Answers whether the process is gone. */
export async function stopProcess(pid: number, graceMs: number): Promise<boolean> {
  if (!signal(pid, 'SIGTERM')) return !alive(pid);
  if (await gone(pid, graceMs)) return true;
  signal(pid, 'SIGKILL');
  return await gone(pid, 5000);
}
