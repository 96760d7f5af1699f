import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from '../mqtt-load.ts';
import type { LoadOptions, LoadResult } from './load.ts';

// Both are JavaScript when they run.
const ENTRY = fileURLToPath(new URL('../mqtt-load.js', import.meta.url));

export interface Finished {
  /** Published and not acknowledged by the deadline. */
  readonly missing: number;
  readonly acked: number;
  /** Messages of each client; they are numbered from 0. */
  readonly publishedEach: readonly number[];
}

/** Called when the measured time begins and when it has ended: for whoever measures something else meanwhile. */
export interface Marks {
  readonly began?: () => void;
  readonly ended?: () => void;
}

type Bare<T> = T extends unknown ? Omit<T, 'id'> : never;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly marks: Marks;
}

/** A Load in a child process. One stretch at a time. */
export class MqttLoad {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (answer: Answer) => {
      const waiting = this.waiting.get(answer.id);
      if (waiting === undefined) return;
      if ('mark' in answer) {
        waiting.marks[answer.mark]?.();
        return;
      }
      this.waiting.delete(answer.id);
      if ('error' in answer) waiting.reject(new Error(`the load: ${answer.error}`));
      else waiting.resolve(answer.result);
    });
    child.once('exit', (code, signal) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the load ended: ${signal ?? code}`));
      this.waiting.clear();
    });
  }

  static async connect(options: LoadOptions): Promise<MqttLoad> {
    const load = new MqttLoad(fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] }));
    try {
      await load.order({ do: 'connect', options });
    } catch (error) {
      load.kill();
      throw error;
    }
    return load;
  }

  async saturate(warmUpSeconds: number, seconds: number, marks: Marks = {}): Promise<LoadResult> {
    return (await this.order({ do: 'saturate', warmUpSeconds, seconds }, marks)) as LoadResult;
  }

  async pace(perSecond: number, warmUpSeconds: number, seconds: number, marks: Marks = {}): Promise<LoadResult> {
    return (await this.order({ do: 'pace', perSecond, warmUpSeconds, seconds }, marks)) as LoadResult;
  }

  async finish(deadlineMs = 30_000): Promise<Finished> {
    return (await this.order({ do: 'finish', deadlineMs })) as Finished;
  }

  /** Ends the stretch that is under way; its result is that of the time so far. */
  async stop(): Promise<void> {
    await this.order({ do: 'stop' });
  }

  async ping(): Promise<void> {
    await this.order({ do: 'ping' });
  }

  /** Ends its connections and its process. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.kill();
    await ended;
  }

  private kill(): void {
    this.child.kill('SIGKILL');
  }

  private async order(order: Bare<Order>, marks: Marks = {}): Promise<unknown> {
    this.count += 1;
    const id = this.count;
    return await new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, marks });
      this.child.send({ ...order, id });
    });
  }
}
