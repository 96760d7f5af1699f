import { EmptyStore } from './mqtt-parts.ts';
import type { IClientOptions } from 'mqtt';
import type { Message } from './device.ts';
import type { TlsOptions } from './options.ts';
import type { Session } from './session.ts';

export interface ConnectionOptions {
  /** `mqtt://host:port` or `ws://host:port/path`; with TLS `mqtts://` or `wss://`. Several: nodes of one cluster, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For mqtts and wss. */
  readonly tls: TlsOptions | undefined;
  /** Undefined: the connection says nothing of itself, and there is no will. */
  readonly session: Session | undefined;
  /** False keeps the session at the broker over reconnects and runs, unless `session` renews its messages. */
  readonly clean: boolean;
  /** Seconds; a dead peer is noticed after 1.5 times this. */
  readonly keepalive: number;
  /** Bound on QoS 1 messages without PUBACK, 1 to 60000. */
  readonly window: number;
  readonly connectTimeoutMs: number;
  readonly retryMs: { readonly first: number; readonly most: number };
}

export interface ConnectionEvents {
  up(): void;
  /** The connection, or an attempt at one, ended without our asking. `refused`: wrong user name or password, or not authorised. `all`: every URL has had its turn. */
  down(reason: string, refused: boolean, all: boolean): void;
  /** `message` undefined: a status. */
  pubacked(message: Message | undefined): void;
  /** A message may be sent again where none could be before. */
  room(): void;
}

/** For one network connection, with a last will of its own. */
export function clientOptions(options: ConnectionOptions): IClientOptions {
  const { clientId, username, password, tls, session, clean, keepalive, connectTimeoutMs } = options;
  const will = session?.will();
  return {
    protocolVersion: 4,
    clientId,
    clean: clean || session?.renew !== undefined,
    keepalive,
    connectTimeout: connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: 'native',
    outgoingStore: new EmptyStore(),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tls,
    ...(will === undefined ? {} : { will: { topic: will.topic, payload: bytes(will.payload), qos: 1, retain: false } }),
  };
}

function bytes(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}
