import { connect } from 'amqplib';
import type { Observer, SessionState } from '../domain/events.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { brokerAddress } from './broker-address.ts';
import { Connection } from './connection.ts';
import { pause, within } from './deadline.ts';
import { explainConnectFailure, redactUrl } from './reasons.ts';
import { certificatesOf, type SessionTls } from './tls.ts';

const BACKOFF_BASE_MS = 100;
const BACKOFF_CAP_MS = 10_000;
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
  /** `amqp://user:password@host:port/vhost` or `amqps://`; tried in turn until one answers. */
  readonly urls: readonly string[];
  /** 0 switches heartbeats off: then a silent network failure is never noticed. */
  readonly heartbeatSeconds: number;
  /** For TCP, TLS and the AMQP handshake together. */
  readonly connectTimeoutMs: number;
  /** For amqps URLs. */
  readonly tls?: SessionTls | undefined;
  /** A certificate that expires in fewer days makes a warning; default 30. */
  readonly expiryWarningDays?: number | undefined;
  /** `start` rejects at once when every URL fails for a reason that trying again cannot mend. Off: it keeps trying. */
  readonly failFast?: boolean | undefined;
  readonly observer: Observer;
  readonly scheduler: Scheduler;
}

/** `start` gave up: the reason says what to do and holds no secret. */
export class SessionError extends Error {
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
  private readonly readyListeners = new Set<(connection: Connection) => void>();
  private readonly changeListeners = new Set<() => void>();
  private phase: SessionState = 'idle';
  private why: string | undefined;
  private connection: Connection | undefined;
  private epoch = 0;

  constructor(options: SessionOptions) {
    if (options.urls.length === 0) throw new Error(`session ${options.name}: no URL`);
    this.name = options.name;
    this.options = options;
  }

  get state(): SessionState {
    return this.phase;
  }

  /** Why the state is not `ready`; for a person, without secrets. */
  get reason(): string | undefined {
    return this.why;
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
    const { scheduler, observer } = this.options;
    let attempt = 0;
    let reason = 'not connected yet';
    while (!this.stop.signal.aborted) {
      this.change('connecting', this.why);
      const result = await this.connectToAny();
      if (this.stop.signal.aborted) {
        if (result.connection !== undefined) await result.connection.close(this.options.connectTimeoutMs);
        break;
      }
      if (result.connection !== undefined) {
        const since = scheduler.monotonic();
        first.resolve();
        reason = await this.use(result.connection);
        if (this.hurried || scheduler.monotonic() - since >= STABLE_MS) attempt = 0;
      } else {
        reason = result.reason;
        if (result.permanent && this.options.failFast === true && this.epoch === 0) {
          this.change('closed', reason);
          first.reject(new SessionError(reason, true));
          return;
        }
      }
      if (this.stop.signal.aborted) break;
      this.change('connecting', reason);
      attempt += 1;
      const hurry = this.hurried && result.connection !== undefined;
      const delayMs = Math.round(backoffMs(attempt, () => scheduler.random(), hurry ? HURRIED_MS : BACKOFF_BASE_MS, BACKOFF_CAP_MS));
      observer({ type: 'session-retry', session: this.name, attempt, delayMs, reason });
      await pause(delayMs, this.stop.signal, scheduler);
    }
    // No effect once the first connection was there.
    first.reject(new SessionError(`stopped before the broker answered: ${reason}`, false));
    if (this.phase !== 'draining') this.change('closed', reason);
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

  /** Tries every URL once. */
  private async connectToAny(): Promise<
    { connection: Connection; reason: undefined; permanent: false } | { connection: undefined; reason: string; permanent: boolean }
  > {
    const reasons: string[] = [];
    let permanent = true;
    for (const url of this.options.urls) {
      if (this.stop.signal.aborted) break;
      try {
        return { connection: await this.connectTo(url), reason: undefined, permanent: false };
      } catch (error) {
        const failure = explainConnectFailure(error, url);
        reasons.push(failure.reason);
        permanent &&= failure.permanent;
      }
    }
    return { connection: undefined, reason: reasons.join('; '), permanent };
  }

  private async connectTo(url: string): Promise<Connection> {
    const { connectTimeoutMs, scheduler, tls, name, connectionName, heartbeatSeconds } = this.options;
    // For this attempt alone: amqplib hands `signal` to the socket, which would be destroyed by it for as long as it lives.
    const attempt = new AbortController();
    const giveUp = (): void => attempt.abort();
    const socket = { ...tls, noDelay: true, keepAlive: true, keepAliveDelay: 10_000, timeout: connectTimeoutMs, signal: attempt.signal };
    const clientProperties = { product: 'sluice', connection_name: connectionName ?? name };
    const opening = connect(brokerAddress(url, heartbeatSeconds), { ...socket, clientProperties }).then(
      (model) => new Connection(model, this.epoch + 1, scheduler),
    );
    this.stop.signal.addEventListener('abort', giveUp);
    try {
      // amqplib's `timeout` counts idle time: a peer that drips bytes would hold it for ever.
      const connection = await within(opening, connectTimeoutMs, redactUrl(url), scheduler);
      this.epoch = connection.epoch;
      this.tellExpiry(connection);
      return connection;
    } catch (error) {
      giveUp();
      opening.then(
        (late) => late.destroy('connected too late'),
        () => {},
      );
      throw error;
    } finally {
      this.stop.signal.removeEventListener('abort', giveUp);
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
    if (this.phase === 'closed' || (this.phase === state && this.why === reason)) return;
    this.phase = state;
    this.why = reason;
    this.options.observer({ type: 'session-state', session: this.name, state, reason });
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
