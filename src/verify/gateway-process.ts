import { createWriteStream, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Child, type Ending } from '../local/process-group.ts';

export interface GatewayProcessOptions {
  /** Settings file. */
  readonly settings: string;
  readonly httpPort: number;
  readonly env: NodeJS.ProcessEnv;
  /** File for what it prints, appended to. */
  readonly log: string;
  /** Built `main.js` of the gateway; default the one of this build. */
  readonly entry?: string | undefined;
}

/** How one start differs from the others. */
export interface LaunchChanges {
  readonly env?: NodeJS.ProcessEnv;
  /** File descriptor for its standard output, instead of the log. */
  readonly stdout?: number;
}

export interface GatewayView {
  readonly startedAt: string;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly ledger: Readonly<
    Record<'messages' | 'items', Readonly<Record<'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'deduplicated' | 'abandoned', number>>>
  >;
  readonly inFlight: { readonly messages: number; readonly items: number };
  readonly imbalance: { readonly messages: number; readonly items: number };
  readonly sessions: readonly { readonly name: string; readonly state: string; readonly address?: string; readonly reason?: string; readonly since: string }[];
  readonly components: readonly { readonly name: string; readonly phase: string; readonly reason?: string; readonly since: string }[];
}

/** As shift-clock.ts reads it. */
const CLOCK_FILE = 'SLUICE_VERIFY_CLOCK_FILE';
const ENTRY = fileURLToPath(new URL('../main.js', import.meta.url));

/** What a process that fails leaves behind ends with it; a build has `end-with-parent` too, which also covers SIGKILL. */
const running = new Set<Child>();
process.once('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});

/** The built gateway as a child process, as `sluice run` is for a user. */
export class GatewayProcess {
  private readonly options: GatewayProcessOptions;
  private child: Child | undefined;

  constructor(options: GatewayProcessOptions) {
    this.options = options;
  }

  /** File with what it printed. */
  get log(): string {
    return this.options.log;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.httpPort}`;
  }

  private get clockFile(): string {
    return `${this.options.log}.clock`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get running(): boolean {
    return this.child?.running === true;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(deadlineMs = 60_000, changes: LaunchChanges = {}): Promise<void> {
    this.launch(changes);
    await this.waitReady(true, deadlineMs);
  }

  /** Starts it and does not wait. */
  launch(changes: LaunchChanges = {}): void {
    const { settings, env, log, entry = ENTRY } = this.options;
    // Of the build under test: our own files may be sources.
    const build = dirname(entry);
    const hooks = ['block-loop.js', 'shift-clock.js'].map((name) => join(build, 'verify', name)).filter((path) => existsSync(path));
    const out = createWriteStream(log, { flags: 'a', mode: 0o600 });
    const child = new Child({
      name: 'gateway',
      args: [...hooks.flatMap((path) => ['--import', pathToFileURL(path).href]), entry, 'run', '-c', settings, '--log', 'json'],
      env: { ...process.env, ...env, ...changes.env, [CLOCK_FILE]: this.clockFile },
      stdout: changes.stdout,
      preload: join(build, 'local', 'end-with-parent.js'),
      onLine: (line) => void out.write(`${line}\n`),
    });
    this.child = child;
    running.add(child);
    void child.ended.then(() => {
      running.delete(child);
      out.end(child.lastErrors.length === 0 ? '' : `${child.lastErrors.join('\n')}\n`);
    });
  }

  /** Waits until `/readyz` answers as wanted; answers its body. */
  async waitReady(ready: boolean, deadlineMs: number): Promise<unknown> {
    const end = performance.now() + deadlineMs;
    let last: unknown;
    while (performance.now() < end) {
      if (this.child?.running !== true) throw new Error(`the gateway ended: ${this.child?.lastErrors.slice(-3).join(' ') ?? ''} (see ${this.options.log})`);
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

  /** Its wall clock jumps so many milliseconds away from the machine's. Its next start is without. */
  shiftClock(ms: number): void {
    writeFileSync(this.clockFile, String(ms));
    this.signal('SIGWINCH');
  }

  async status(timeoutMs = 5000): Promise<GatewayView> {
    const response = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(timeoutMs) });
    return (await response.json()) as GatewayView;
  }

  /** Of a metric without labels; undefined where there is none. */
  async metric(name: string): Promise<number | undefined> {
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(await this.metrics()) ?? [];
    return value === undefined ? undefined : Number(value);
  }

  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`, { signal: AbortSignal.timeout(5000) });
    return await response.text();
  }

  /** Sends a signal that it survives, or not. */
  signal(name: NodeJS.Signals): void {
    this.child?.signal(name);
  }

  /** Sends the signal and waits for the end: the exit code, or the name of the signal that ended it. */
  async end(signal: NodeJS.Signals, deadlineMs = 20_000): Promise<number | NodeJS.Signals> {
    const { child } = this;
    if (child === undefined) return 0;
    child.signal(signal);
    const timer = new AbortController();
    const late = sleep(deadlineMs, undefined, { signal: timer.signal }).catch(() => undefined);
    const ended: Ending | undefined = await Promise.race([child.ended, late]);
    timer.abort();
    if (ended === undefined) {
      child.signal('SIGKILL');
      throw new Error(`the gateway did not end within ${deadlineMs} ms of ${signal}; see ${this.options.log}`);
    }
    return ended.signal ?? ended.code ?? -1;
  }
}
