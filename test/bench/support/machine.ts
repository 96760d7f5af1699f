import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { median } from './stats.ts';

/** What somebody must know to hold numbers of another machine against these. */
export interface MachineFacts {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly rabbitmq: string;
  readonly erlang: string;
  /** Of 30 writes of 4 kB, each followed by fdatasync, in the folder of the broker: median, milliseconds. */
  readonly syncMs: number;
  /** Load average over one minute before the first row: above 0.5, others were at work. */
  readonly loadBefore: number;
}

export interface BrokerVersions {
  readonly rabbitmq: string;
  readonly erlang: string;
}

/** `folder`: on the disk of the broker. */
export function machineFacts(folder: string, versions: BrokerVersions): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    ...versions,
    syncMs: syncMillis(folder),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

function syncMillis(folder: string): number {
  const path = join(folder, 'sync-probe');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  try {
    for (let i = 0; i < 30; i += 1) {
      const start = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      times.push(performance.now() - start);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return Number(median(times).toFixed(3));
}

export interface CodeVersion {
  readonly sluice: string;
  /** Of git, shortened; `unknown` outside a clone. */
  readonly commit: string;
  /** Files differ from the commit. */
  readonly changed: boolean;
}

/** `root`: folder of the project. */
export function codeVersion(root: string): CodeVersion {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { sluice: version, commit: git('rev-parse', '--short', 'HEAD'), changed: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return { sluice: version, commit: 'unknown', changed: false };
  }
}
