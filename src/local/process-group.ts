import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface ChildOptions {
  /** For messages: `gateway`, `devices`, `consumer`. */
  readonly name: string;
  /** Script and its arguments, run with this Node. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** `end-with-parent.js` of a build; default the one beside us. Without it the channel to the parent would keep the child alive. */
  readonly preload?: string;
  /** File descriptor that takes standard output; there are no lines then. */
  readonly stdout?: number | undefined;
  /** Each line of standard output. */
  readonly onLine?: (line: string) => void;
}

/** How a child ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Lines of standard error that are kept for a message about an early end. */
const KEPT_LINES = 40;
const KILL_WAIT_MS = 5000;

/**
 * A Node process of ours: in a session of its own, so that Ctrl-C in the terminal reaches the parent alone, and with a
 * channel to the parent, so that it stops when the parent is gone.
 */
export class Child {
  readonly name: string;
  readonly ended: Promise<Ending>;
  private readonly child: ChildProcess;
  private readonly errors: string[] = [];
  private ending: Ending | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    // `.js` beside us in a build; the source itself when a test runs it unbuilt is no preload for a plain Node.
    const preload = options.preload === undefined ? new URL('./end-with-parent.js', import.meta.url) : pathToFileURL(options.preload);
    const hooks = existsSync(fileURLToPath(preload)) ? ['--import', preload.href] : [];
    const child = spawn(process.execPath, [...hooks, ...options.args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', options.stdout ?? 'pipe', 'pipe', 'ipc'],
    });
    this.child = child;
    this.ended = new Promise((settle) => {
      const end = (ending: Ending): void => {
        this.ending = ending;
        settle(ending);
      };
      child.once('error', (error) => {
        this.errors.push(error.message);
        if (child.pid === undefined) end({ code: 127, signal: null });
      });
      // `close`, not `exit`: after it the last lines have been read.
      child.once('close', (code, signal) => end({ code, signal }));
    });
    const { onLine } = options;
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => onLine?.(line));
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        this.errors.push(line);
        if (this.errors.length > KEPT_LINES) this.errors.shift();
      });
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return this.ending === undefined;
  }

  /** The last lines of standard error. */
  get lastErrors(): readonly string[] {
    return this.errors;
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.child.kill(name);
  }

  /** SIGTERM, SIGKILL after `graceMs`. Answers how it ended; at once when it has. */
  async stop(graceMs: number): Promise<Ending> {
    this.signal('SIGTERM');
    const timer = new AbortController();
    const early = await Promise.race([this.ended, sleep(graceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    if (early !== undefined) return early;
    this.signal('SIGKILL');
    const killed = await Promise.race([this.ended, sleep(KILL_WAIT_MS, undefined, { ref: false })]);
    return killed ?? { code: null, signal: 'SIGKILL' };
  }
}

export function describeEnding(ending: Ending): string {
  return ending.signal === null ? `exit code ${ending.code}` : `signal ${ending.signal}`;
}
