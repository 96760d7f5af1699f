import { addressOf } from '../domain/broker-url.ts';
import type { Observer, SessionState } from '../domain/events.ts';
import { Unavailable } from '../domain/unavailable.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { AddressRound } from './address-round.ts';
import type { Connection } from './connection.ts';
import { pause } from './deadline.ts';
import { dial } from './dial.ts';
import { type ConnectFailure, explainConnectFailure } from './reasons.ts';
import { certificatesOf, type SessionTls } from './tls.ts';

const BACKOFF_BASE_MS = 100;
/** A broker whose port has just opened is used again within a little more than this. */
const BACKOFF_CAP_MS = 4000;
/** Upper bound of the pause while `hurried`: enough for the jitter, too little to be a standstill. */
const HURRIED_MS = 20;
/** A connection that lived this long was a good one: the next failure starts the back-off afresh. */
const STABLE_MS = 10_000;
const DAY_MS = 86_400_000;

export interface SessionOptions {
  /** In events. */
  readonly name: string;
  /** In RabbitMQ's list of connections; default: `name`. */
  readonly connectionName?: string | undefined;
  /** `amqp://user:password@host:port/vhost` or `amqps://`: nodes of one cluster. `AddressRound` says which is tried when. */
  readonly urls: readonly string[];
  /** 0 switches heartbeats off: then a silent network failure is never noticed. */
  readonly heartbeatSeconds: number;
  /** For TCP, TLS and the AMQP handshake together. */
  readonly connectTimeoutMs: number;
  /** For amqps URLs. */
  readonly tls?: SessionTls | undefined;
  /** A certificate that expires in fewer days makes a warning; default 30. */
  readonly expiryWarningDays?: number | undefined;
  /** `start` rejects after one round when every URL fails for a reason that trying again cannot mend. Off: it keeps trying. */
  readonly failFast?: boolean | undefined;
  readonly observer: Observer;
  readonly scheduler: Scheduler;
  /** How a connection is made; default `dial`. */
  readonly dial?: typeof dial | undefined;
}

/** `start` gave up: the reason says what to do and holds no secret. */
export class SessionError extends Unavailable {
  readonly permanent: boolean;

  constructor(reason: string, permanent: boolean) {
    super(reason);
    this.name = 'SessionError';
    this.permanent = permanent;
  }
}

/**
 * One AMQP connection that heals itself. Users take the connection of the moment from `onReady` or `current`, hang
 * their channels on it, and build them again on the next one.
 */
export class Session {
  readonly name: string;
  /** A user of the connection knows that it will be lost a few times more and that each loss brings the end nearer: pauses do not grow. */
  hurried = false;
  private readonly options: SessionOptions;
  private readonly stop = new AbortController();
  private readonly round: AddressRound;
  private readonly readyListeners = new Set<(connection: Connection) => void>();
  private readonly changeListeners = new Set<() => void>();
  private phase: SessionState = 'idle';
  private why: string | undefined;
  private at: string | undefined;
  private told: string | undefined;
  private connection: Connection | undefined;
  private epoch = 0;

  constructor(options: SessionOptions) {
    if (options.urls.length === 0) throw new Error(`session ${options.name}: no URL`);
    this.name = options.name;
    this.options = options;
    this.round = new AddressRound(options.urls.length);
  }

  get state(): SessionState {
    return this.phase;
  }

  /** Why the state is not `ready`; for a person, without secrets. */
  get reason(): string | undefined {
    return this.why;
  }

  /** `host:port` of the connection, or of what is being tried; undefined before `start` and when closed. */
  get address(): string | undefined {
    return this.at;
  }

  /** The connection while there is one, blocked or not. */
  get current(): Connection | undefined {
    return this.connection;
  }

  /** Calls back with every new connection, in the tick in which it is there, and at once if there is one. Answers how to stop. */
  onReady(listener: (connection: Connection) => void): () => void {
    this.readyListeners.add(listener);
    if (this.connection !== undefined) listener(this.connection);
    return () => this.readyListeners.delete(listener);
  }

  /** Calls back after every change of `state` or `reason`. Answers how to stop. */
  onChange(listener: () => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /**
   * Connects, and from then on reconnects until `close`. Resolves with the first connection. Rejects with a
   * `SessionError` when `signal` aborts before that (the session is closed then), or as `failFast` says.
   */
  async start(signal: AbortSignal): Promise<void> {
    if (this.phase !== 'idle') throw new Error(`session ${this.name} was already started`);
    const first = deferred();
    const abort = (): void => this.stop.abort();
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    // A rejection here is a bug of ours (or of a listener) and must end the process: it is not caught.
    void this.run(first);
    try {
      await first.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Closes the connection in order, by force after `deadlineMs`. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    if (this.phase === 'closed') return;
    this.change('draining', 'closing');
    this.stop.abort();
    await this.connection?.close(deadlineMs);
    this.connection = undefined;
    this.change('closed', undefined);
  }

  private async run(first: Deferred): Promise<void> {
    const { urls, connectTimeoutMs, failFast, scheduler, observer } = this.options;
    let failures: ConnectFailure[] = [];
    while (!this.stop.signal.aborted) {
      const url = urls[this.round.index] ?? '';
      const address = addressOf(url);
      this.at = address;
      this.change('connecting', this.why);
      const result = await this.connectTo(url);
      const connected = 'model' in result;
      if (this.stop.signal.aborted) {
        if (connected) await result.close(connectTimeoutMs);
        break;
      }
      if (connected) {
        const since = scheduler.monotonic();
        first.resolve();
        const lost = await this.use(result);
        const proven = scheduler.monotonic() - since >= STABLE_MS;
        if (proven) this.round.proven();
        else if (this.hurried) this.round.calm();
        if (proven) failures = [];
        failures.push({ reason: urls.length === 1 ? lost : `${address}: ${lost}`, permanent: false });
      } else failures.push(result);
      if (this.stop.signal.aborted) break;
      const pauses = this.round.next();
      const to = addressOf(urls[this.round.index] ?? '');
      if (pauses === 0) {
        const { reason } = failures.at(-1) ?? { reason: '' };
        this.change('connecting', reason);
        observer({ type: 'session-failover', session: this.name, from: address, to, reason });
        continue;
      }
      const reason = failures.map((failure) => failure.reason).join('; ');
      if (failFast === true && this.epoch === 0 && failures.every(({ permanent }) => permanent)) {
        this.change('closed', reason);
        first.reject(new SessionError(reason, true));
        return;
      }
      failures = [];
      this.change('connecting', reason);
      const base = this.hurried && connected ? HURRIED_MS : BACKOFF_BASE_MS;
      const delayMs = Math.round(backoffMs(pauses, () => scheduler.random(), base, BACKOFF_CAP_MS));
      observer({ type: 'session-retry', session: this.name, attempt: pauses, delayMs, address: to, reason });
      await pause(delayMs, this.stop.signal, scheduler);
    }
    // No effect once the first connection was there.
    first.reject(new SessionError(`stopped before the broker answered: ${this.why ?? 'not connected yet'}`, false));
    if (this.phase !== 'draining') this.change('closed', this.why);
  }

  /** Serves the connection until it is lost; answers why it was. */
  private async use(connection: Connection): Promise<string> {
    this.connection = connection;
    connection.onBlocked((blocked) => {
      if (this.connection !== connection || this.phase === 'draining') return;
      if (blocked === undefined) this.change('ready', undefined);
      else this.change('blocked', `the broker blocks publishers: ${blocked}. Free memory or disk on the broker`);
    });
    const lost = new Promise<string>((resolve) => {
      connection.onLost((reason) => {
        if (this.connection === connection) this.connection = undefined;
        if (this.phase === 'ready' || this.phase === 'blocked') this.change('connecting', reason);
        resolve(reason);
      });
    });
    if (!connection.lost) {
      this.change('ready', undefined);
      for (const listener of this.readyListeners) listener(connection);
    }
    return await lost;
  }

  private async connectTo(url: string): Promise<Connection | ConnectFailure> {
    const { name, connectionName = name, dial: open = dial } = this.options;
    try {
      const connection = await open(url, this.epoch + 1, { ...this.options, connectionName }, this.stop.signal);
      this.epoch = connection.epoch;
      this.tellExpiry(connection);
      return connection;
    } catch (error) {
      return explainConnectFailure(error, url);
    }
  }

  private tellExpiry(connection: Connection): void {
    const { tls, expiryWarningDays = 30, scheduler, observer } = this.options;
    for (const found of certificatesOf(connection.stream, typeof tls?.cert === 'string' ? tls.cert : undefined)) {
      const daysLeft = Math.floor((found.expiresAt - scheduler.now()) / DAY_MS);
      observer({ type: 'certificate-expiry', session: this.name, ...found, daysLeft, when: daysLeft < expiryWarningDays ? 'soon' : 'later' });
    }
  }

  private change(state: SessionState, reason: string | undefined): void {
    if (state === 'closed') this.at = undefined;
    if (this.phase === 'closed' || (this.phase === state && this.why === reason && this.told === this.at)) return;
    this.phase = state;
    this.why = reason;
    this.told = this.at;
    this.options.observer({ type: 'session-state', session: this.name, state, address: this.at, reason });
    for (const listener of this.changeListeners) listener();
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** `Promise.withResolvers` needs Node 22. */
function deferred(): Deferred {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
