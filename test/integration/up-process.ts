import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../src/local/ports.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'src', 'main.js');

/** `sluice up` as a child, with everything that it has printed. */
export class Up {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(dir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const clean = { ...process.env, ...env };
    for (const name of ['SLUICE_AMQP_URL', 'SLUICE_MQTT_URL', 'SLUICE_WS_URL', 'SLUICE_HTTP_TOKEN']) delete clean[name];
    this.child = spawn(process.execPath, [MAIN, 'up', '--free-ports', '--dir', dir, ...args], { cwd: ROOT, env: clean, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((settle) => this.child.once('close', (code, signal) => settle(code ?? signal)));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async sees(text: string | RegExp, deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (typeof text === 'string' ? !this.output.includes(text) : !text.test(this.output)) {
      if (performance.now() >= end || this.child.exitCode !== null) throw new Error(`did not print ${text} in ${deadlineMs} ms, but:\n${this.output}`);
      await sleep(50);
    }
  }

  /** Exit code, after at most `deadlineMs`. */
  async exit(deadlineMs: number): Promise<number | NodeJS.Signals | null> {
    const late = sleep(deadlineMs, 'late' as const, { ref: false });
    const how = await Promise.race([this.ended, late]);
    if (how === 'late') throw new Error(`still runs after ${deadlineMs} ms:\n${this.output}`);
    return how;
  }

  /** Process ids of its Node children, by the verb that they run. */
  children(): ReadonlyMap<string, number> {
    const pids = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(/\s+/).map(Number);
    const verb = (pid: number): string => /main\.js (\w+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))?.[1] ?? '';
    return new Map(pids.map((pid) => [verb(pid), pid]));
  }
}

/** The broker's node that runs below `dir`. */
export function nodeState(dir: string): { pid: number; epmdPid: number; ports: Ports } {
  return JSON.parse(readFileSync(join(dir, 'node', 'node.json'), 'utf8')) as { pid: number; epmdPid: number; ports: Ports };
}
