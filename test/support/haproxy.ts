import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { haproxyHere } from '../../src/setup/haproxy.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
export const SHIPPED = join(ROOT, 'docker', 'haproxy');

const here = haproxyHere(ROOT, process.env);
/** False: what needs it is to be skipped. */
export const HAPROXY = here !== undefined;
if (here === undefined) console.log('skipped: there is no HAProxy here (npm test says how to get one)');

/** `haproxy -c`: exit code and everything that it said. */
export async function checkConfiguration(files: readonly string[]): Promise<{ code: number; output: string }> {
  const args = ['-c', ...files.flatMap((file) => ['-f', file])];
  return await new Promise((settle) => {
    execFile(here?.program ?? '', args, { env: { ...process.env, ...here?.env }, timeout: 60_000 }, (error, stdout, stderr) => {
      settle({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

/** The shipped configuration with other addresses and ports, and nothing else changed: `from` as it stands behind `bind` or `server NAME`. */
export function withAddresses(text: string, addresses: Readonly<Record<string, string>>): string {
  return text.replaceAll(/^( {2}(?:bind|server \S+) )(\S+)/gm, (whole, head: string, address: string) => {
    const other = addresses[address];
    if (other === undefined) throw new Error(`no address for ${whole.trim()}`);
    return `${head}${other}`;
  });
}

/** A load balancer of a test's own, with the shipped configuration on other addresses. */
export class Haproxy {
  private readonly child: ChildProcess;
  private readonly logFile: string;
  private readonly ended: Promise<unknown>;
  // A test run that is ended takes it with it.
  private readonly onExit = (): void => void this.child.kill('SIGKILL');

  private constructor(dir: string, config: string) {
    this.logFile = join(dir, 'haproxy.log');
    const log = openSync(this.logFile, 'w');
    this.child = spawn(here?.program ?? '', ['-db', '-f', config], { cwd: dir, env: { ...process.env, ...here?.env }, stdio: ['ignore', log, log] });
    closeSync(log);
    this.ended = new Promise((settle) => {
      this.child.once('exit', settle);
      this.child.once('error', settle);
    });
    process.once('exit', this.onExit);
  }

  /** Resolves when its page `health` answers 200: some node takes AMQP. */
  static async start(dir: string, config: string, health: string, deadlineMs = 120_000): Promise<Haproxy> {
    const file = join(dir, 'haproxy.cfg');
    writeFileSync(file, config);
    const one = new Haproxy(dir, file);
    const end = performance.now() + deadlineMs;
    for (;;) {
      if (one.child.exitCode !== null || one.child.pid === undefined) throw new Error(`HAProxy did not start: ${one.log()}`);
      const status = await fetch(health, { signal: AbortSignal.timeout(2000) }).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) return one;
      if (performance.now() > end) {
        await one.stop();
        throw new Error(`HAProxy answers ${status} after ${deadlineMs} ms: ${one.log()}`);
      }
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.onExit);
    this.child.kill('SIGKILL');
    await this.ended;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8').slice(-4000);
  }
}
