import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BrokerNodeError } from './broker-node.ts';
import { alive, commandOf, stopProcess } from './processes.ts';
import { nodeFiles, nodeMark, readState } from './rabbit-files.ts';

const STOP_MS = 20_000;

/**
 * Ends what a crashed run left in `dir`: only a process whose command line carries the mark of this folder. Answers
 * whether there was one. Throws `DIR_IN_USE` when the process that started it still lives.
 */
export async function stopStaleNode(dir: string): Promise<boolean> {
  const folder = resolve(dir);
  const state = readState(folder);
  if (state === undefined) return false;
  const ours = alive(state.pid) && commandOf(state.pid).includes(nodeMark(folder));
  if (ours && alive(state.ownerPid) && commandOf(state.ownerPid).includes('node')) {
    throw new BrokerNodeError('DIR_IN_USE', `process ${state.ownerPid} already runs a RabbitMQ node in ${folder} (pid ${state.pid}); stop that one first`);
  }
  if (ours && !(await stopProcess(state.pid, STOP_MS)))
    throw new BrokerNodeError('DIR_IN_USE', `a RabbitMQ node of an earlier run (pid ${state.pid}) does not end`);
  const epmd = state.epmdPid;
  if (epmd !== undefined && alive(epmd) && commandOf(epmd).includes(`epmd -address 127.0.0.1 -port ${state.ports.epmd}`)) await stopProcess(epmd, 2000);
  rmSync(nodeFiles(folder).state, { force: true });
  return ours;
}

/**
 * Folders `PREFIX<pid>-*` in `root` of runs that were killed: their nodes are ended, then the folders removed. `evidence`: one without
 * a node is what a failed run has left to look at, and stays.
 */
export async function sweepRuns(root: string, prefix: string, { evidence = false } = {}): Promise<void> {
  for (const name of readdirSync(root)) {
    const owner = Number(name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : Number.NaN);
    if (!Number.isInteger(owner) || alive(owner)) continue;
    const dir = join(root, name);
    const inner = readdirSync(dir);
    if (evidence && !inner.some((child) => /^node(-\d)?$/.test(child))) continue;
    for (const place of [dir, ...inner.map((child) => join(dir, child))]) await stopStaleNode(place);
    rmSync(dir, { recursive: true, force: true });
  }
}
