import { realClock } from './clock.ts';
import { Driver } from './driver.ts';
import { Books, Link } from './link.ts';
import { LedgerWriter } from './ledger.ts';
import { FleetError, problems, urlList } from './options.ts';
import { populate } from './population.ts';
import type { Clock } from './clock.ts';
import type { FleetOptions, FleetStats } from './options.ts';

export { FleetError } from './options.ts';
export type { FleetOptions, FleetStats } from './options.ts';

/** Simulated devices over MQTT. `start` once, then `stop` once. */
export class Fleet {
  private readonly options: FleetOptions;
  private readonly clock: Clock;
  private readonly links: Link[];
  private readonly driver: Driver;
  private readonly books = new Books();
  private readonly finished: Promise<void>;
  private finish: (error?: FleetError) => void = () => {};
  private cancelFlush: (() => void) | undefined;
  private state: 'idle' | 'starting' | 'running' | 'stopped' = 'idle';
  private startTime = 0;
  private lastError: string | undefined;
  /** Turns that had come up when publishing stopped. */
  private frozenPlan: number | undefined;
  private changed: () => void = () => {};
  private fail: ((error: FleetError) => void) | undefined;

  /** Throws `FleetError` (`options`) with every problem that the options have. */
  constructor(options: FleetOptions) {
    const found = problems(options);
    if (found.length > 0) {
      throw new FleetError('options', found.join('; '));
    }
    this.options = options;
    this.clock = options.clock ?? realClock;
    this.finished = new Promise((resolve, reject) => {
      this.finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Who never asks for `done` must not be ended by it.
    this.finished.catch(() => {});
    this.driver = new Driver(this.clock, () => this.finish());
    const crews = populate(options, options.site ?? options.username ?? 'demo', () => this.deviceTime());
    this.links = crews.map(
      (crew, index) =>
        new Link(crew, this.urlsOf(index), options, this.books, this.driver, {
          clock: this.clock,
          timeOf: (dueMs) => this.startTime + dueMs,
          changed: () => this.changed(),
          down: (link, reason, refused, all) => this.down(link, reason, refused, all),
        }),
    );
  }

  /**
   * Connects everything (`connectRate` a second), then begins to publish. Rejects with `FleetError`: `unreachable` when a
   * broker URL that never answered does not answer now, `refused` when a first connection is refused for its credentials,
   * `aborted`, `ledger`. Later losses are waited for.
   */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.state !== 'idle') {
      throw new Error('a fleet starts once');
    }
    this.state = 'starting';
    const { ledger, connectRate = 200, startTimeoutMs = 30_000 } = this.options;
    if (ledger !== undefined) {
      try {
        this.books.ledger = new LedgerWriter(ledger);
      } catch (error) {
        throw new FleetError('ledger', `cannot write the ledger: ${(error as Error).message}`);
      }
      this.flush();
    }
    const cancels: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => reject(new FleetError('aborted', 'stopped before the fleet was connected'));
        signal?.addEventListener('abort', abort, { once: true });
        cancels.push(() => signal?.removeEventListener('abort', abort));
        if (signal?.aborted === true) {
          abort();
          return;
        }
        const allUp = sweep(this.links, (link) => link.wasUp);
        this.changed = () => {
          if (allUp()) {
            resolve();
          }
        };
        this.fail = reject;
        const rampMs = (this.links.length * 1000) / connectRate;
        const overdue = (): void => {
          const missing = this.links.filter((link) => !link.wasUp).length;
          reject(new FleetError('unreachable', `${missing} of ${this.links.length} connections did not come up in time (${this.lastError ?? 'no answer'})`));
        };
        cancels.push(this.clock.after(rampMs + startTimeoutMs, overdue));
        this.ramp(0, 1000 / connectRate, cancels);
      });
    } catch (error) {
      await this.shut(1000);
      throw error;
    } finally {
      for (const cancel of cancels) {
        cancel();
      }
      this.fail = undefined;
      this.changed = () => {};
    }
    this.state = 'running';
    this.startTime = this.options.startTime ?? this.clock.now();
    this.driver.start(this.links);
  }

  /** Resolves when the plan has come to its end (`messages`, a series); never for an endless plan. Rejects when the ledger cannot be written. */
  done(): Promise<void> {
    return this.finished;
  }

  /** Publishes nothing new until `resume`; what is without PUBACK is still sent again after a reconnect. */
  pause(): void {
    this.driver.pause();
  }

  /** What came due meanwhile goes out at once. */
  resume(): void {
    this.driver.resume();
  }

  /** Stops publishing, waits up to `deadlineMs` for PUBACKs (reconnecting where needed), says offline, disconnects, closes the ledger. */
  async stop(deadlineMs: number): Promise<FleetStats> {
    if (this.state === 'stopped') {
      return this.stats();
    }
    const planned = this.planned();
    this.driver.stop();
    this.state = 'stopped';
    this.frozenPlan = planned;
    for (const { connection } of this.links) {
      connection.farewell();
    }
    const settled = sweep(this.links, ({ connection }) => connection.inFlight === 0);
    if (!settled()) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(deadlineMs, resolve);
        this.changed = () => {
          if (settled()) {
            cancel();
            resolve();
          }
        };
      });
    }
    const connected = this.links.filter(({ connection }) => connection.up).length;
    await this.shut(2000);
    return { ...this.stats(), connected };
  }

  stats(): FleetStats {
    const sum = (of: (link: Link) => number): number => this.links.reduce((total, link) => total + of(link), 0);
    const planned = this.frozenPlan ?? this.planned();
    const { attempted, pubacked, unanswered, silent, statusPubacked } = this.books;
    return {
      devices: sum(({ crew }) => crew.speakers.length),
      connections: this.links.length,
      connected: sum(({ connection }) => (connection.up ? 1 : 0)),
      planned,
      attempted,
      pubacked,
      unanswered,
      inFlight: attempted - pubacked - unanswered,
      silent,
      overdue: Math.max(0, planned - attempted - silent),
      resent: sum(({ connection }) => connection.resent),
      failed: sum(({ connection }) => connection.failed),
      reconnects: sum(({ connection }) => connection.reconnects),
      statusPubacked,
      lateMs: this.books.lateMs.summary(),
      pubackMs: this.books.pubackMs.summary(),
      lastError: this.lastError,
    };
  }

  /** Before the first message is due: when that will be, as far as it is known. */
  private deviceTime(): number {
    const elapsed = this.driver.elapsed();
    return elapsed < 0 ? (this.options.startTime ?? this.clock.now()) : this.startTime + elapsed;
  }

  private planned(): number {
    const elapsed = this.driver.elapsed();
    return this.links.reduce((total, { crew }) => total + crew.plan.dueBy(elapsed), 0);
  }

  /** Each connection begins with another one, so that the fleet is spread. */
  private urlsOf(index: number): readonly string[] {
    const { wsShare = 0.5 } = this.options;
    const [mqtt, ws] = [urlList(this.options.mqttUrl), urlList(this.options.wsUrl)];
    const share = mqtt.length === 0 ? 1 : ws.length === 0 ? 0 : wsShare;
    const urls = Math.floor((index + 1) * share) > Math.floor(index * share) ? ws : mqtt;
    return urls.map((_, i) => urls[(index + i) % urls.length] ?? '');
  }

  private down(link: Link, reason: string, refused: boolean, all: boolean): void {
    this.lastError = `${link.connection.url}: ${reason}`;
    if (refused && !link.wasUp) {
      const who = this.options.username === undefined ? 'an anonymous client' : `user ${JSON.stringify(this.options.username)}`;
      this.fail?.(new FleetError('refused', `the broker at ${link.connection.url} refuses ${who}: ${reason}`));
    } else if (all && !this.links.some((other) => other.wasUp && link.connection.urls.includes(other.connection.url))) {
      this.fail?.(new FleetError('unreachable', `no MQTT broker answers at ${link.connection.url}: ${reason}`));
    }
  }

  private ramp(index: number, stepMs: number, cancels: (() => void)[]): void {
    this.links[index]?.connection.start();
    if (index + 1 < this.links.length) {
      cancels.push(this.clock.after(stepMs, () => this.ramp(index + 1, stepMs, cancels)));
    }
  }

  private flush(): void {
    this.books.ledger?.flush();
    const failure = this.books.ledger?.failure;
    if (failure !== undefined) {
      this.finish(new FleetError('ledger', `cannot write the ledger: ${failure.message}`));
    }
    this.cancelFlush = this.clock.after(200, () => this.flush());
  }

  private async shut(deadlineMs: number): Promise<void> {
    this.changed = () => {};
    this.state = 'stopped';
    await Promise.all(this.links.map(({ connection }) => connection.close(deadlineMs)));
    this.cancelFlush?.();
    this.books.ledger?.close();
  }
}

/** Whether all of the list are so, asked again and again while they become so: looks at each about once instead of at all each time. */
function sweep<T>(list: readonly T[], is: (item: T) => boolean): () => boolean {
  let at = 0;
  return () => {
    while (at < list.length && is(list[at] as T)) {
      at += 1;
    }
    if (at === list.length) {
      at = 0;
      return list.every(is);
    }
    return false;
  };
}
