import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');

export interface GatewayProcessOptions {
  readonly settings: string;
  readonly httpPort: number;
  readonly env: NodeJS.ProcessEnv;
  /** What it printed, for whoever reads a failure. */
  readonly log: string;
}

export interface GatewayStatus {
  readonly ledger: Record<'messages' | 'items', Record<'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'deduplicated' | 'abandoned', number>>;
  readonly inFlight: { readonly messages: number; readonly items: number };
  readonly imbalance: { readonly messages: number; readonly items: number };
}

/** What a failed test leaves behind ends with the test process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The built gateway as a child process, as `sluice run` is for a user. */
export class GatewayProcess {
  private readonly options: GatewayProcessOptions;
  private child: ChildProcess | undefined;
  private out: WriteStream | undefined;
  private exit: Promise<number | NodeJS.Signals> = Promise.resolve(0);

  constructor(options: GatewayProcessOptions) {
    this.options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.httpPort}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(deadlineMs = 30_000): Promise<void> {
    const { settings, env, log } = this.options;
    const out = createWriteStream(log, { flags: 'a' });
    this.out = out;
    const child = spawn(process.execPath, [join(ROOT, 'dist/src/main.js'), 'run', '-c', settings], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(out, { end: false });
    child.stderr.pipe(out, { end: false });
    this.child = child;
    running.add(child);
    this.exit = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        running.delete(child);
        resolve(signal ?? code ?? -1);
      }),
    );
    await this.waitReady(true, deadlineMs);
  }

  /** Waits until `/readyz` answers as wanted; answers its body. */
  async waitReady(ready: boolean, deadlineMs: number): Promise<unknown> {
    const end = performance.now() + deadlineMs;
    let last: unknown;
    while (performance.now() < end) {
      if (this.child?.exitCode !== null) throw new Error(`the gateway ended with ${String(this.child?.exitCode)}; see ${this.options.log}`);
      try {
        const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2000) });
        last = await response.json();
        if (response.ok === ready) return last;
      } catch (error) {
        last = error;
      }
      await sleep(20);
    }
    throw new Error(`not ${ready ? 'ready' : 'unready'} after ${deadlineMs} ms: ${JSON.stringify(last)}; see ${this.options.log}`);
  }

  async status(): Promise<GatewayStatus> {
    const response = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(5000) });
    return (await response.json()) as GatewayStatus;
  }

  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`, { signal: AbortSignal.timeout(5000) });
    return await response.text();
  }

  /** Sends the signal and waits for the end: the exit code, or the name of the signal that ended it. */
  async end(signal: NodeJS.Signals, deadlineMs = 20_000): Promise<number | NodeJS.Signals> {
    const { child } = this;
    if (child === undefined) return 0;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const ended = await Promise.race([this.exit, sleep(deadlineMs, undefined, { ref: false })]);
    if (ended === undefined) {
      child.kill('SIGKILL');
      throw new Error(`the gateway did not end within ${deadlineMs} ms of ${signal}; see ${this.options.log}`);
    }
    this.out?.end();
    return ended;
  }
}
