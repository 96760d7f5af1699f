import type { TlsOptions } from 'node:tls';
import type { Keeper } from '../ports.ts';
import type { Access, ListenerEvent, SessionExtras } from './ports.ts';

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface ListenTls extends Pick<TlsOptions, 'cert' | 'key' | 'passphrase' | 'ca' | 'minVersion'> {
  /** `optional` lets clients in without a certificate too. Those that show one must be signed by `ca` with either. */
  readonly clientCertificates: 'none' | 'optional' | 'required';
}

export interface Limits {
  /** A longer packet closes its connection before its body is read. */
  readonly maxPacketBytes: number;
  /** RabbitMQ routes at most 255 bytes, and a longer topic ends the channels of AMQP consumers. */
  readonly maxTopicBytes: number;
  readonly maxClientIdBytes: number;
  /** Of all clients together: beyond it nobody is read until there is room. Bytes include 512 for each message. */
  readonly maxHeldMessages: number;
  readonly maxHeldBytes: number;
  /** Of one client. */
  readonly maxClientHeldMessages: number;
  readonly maxClientHeldBytes: number;
  readonly maxConnections: number;
  /** New connections per second, with a burst of as many; 0: no limit. */
  readonly connectionsPerSecond: number;
  /** Client ids of one account, connected or with a session that is kept; 0: no limit. */
  readonly clientsPerUser: number;
  /** As many wait for their turn; more are refused. */
  readonly maxQueuedConnections: number;
  /** Of one client, with a burst of one second; 0: no limit. A client that is faster is read more slowly, nothing is dropped. */
  readonly publishesPerSecond: number;
  /** From the connection to the end of its CONNECT. */
  readonly connectTimeoutMs: number;
  /** From the first byte of a packet to its last. */
  readonly packetTimeoutMs: number;
  /** A subscriber with more waiting in its socket is closed; at a quarter of it QoS 0 is dropped for it. */
  readonly maxOutgoingBytes: number;
  /** A subscriber whose socket takes nothing for so long is closed. */
  readonly drainTimeoutMs: number;
}

export const LIMITS: Limits = {
  maxPacketBytes: 1024 * 1024,
  maxTopicBytes: 200,
  maxClientIdBytes: 256,
  maxHeldMessages: 50_000,
  maxHeldBytes: 64 * 1024 * 1024,
  maxClientHeldMessages: 1_000,
  maxClientHeldBytes: 4 * 1024 * 1024,
  maxConnections: 20_000,
  connectionsPerSecond: 1_000,
  clientsPerUser: 0,
  maxQueuedConnections: 2_000,
  publishesPerSecond: 0,
  connectTimeoutMs: 10_000,
  packetTimeoutMs: 60_000,
  maxOutgoingBytes: 4 * 1024 * 1024,
  drainTimeoutMs: 30_000,
};

export interface MqttListenerOptions {
  readonly tcp?: Address;
  readonly tls?: Address & ListenTls;
  /** MQTT over WebSocket at /ws, over TLS where `tls` is given. */
  readonly ws?: Address & { readonly tls?: ListenTls };
  readonly keeper: Keeper;
  readonly access: Access;
  readonly sessions: SessionExtras;
  /** The store of sessions as aedes knows it. */
  readonly persistence: object;
  /** `keep`: like the others, without an acknowledgement; the sender is not read further than its share while it waits. */
  readonly qos0: 'keep' | 'best-effort';
  readonly limits?: Partial<Limits>;
  readonly onEvent?: (event: ListenerEvent) => void;
}

/** A combination of limits that cannot work. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}

export function limitsOf(given: Partial<Limits> | undefined): Limits {
  const limits = { ...LIMITS, ...given };
  for (const [name, value] of Object.entries(limits) as [keyof Limits, number][]) {
    if (!Number.isInteger(value) || value < 0) throw new LimitError(`${name} is ${value}: give a whole number`);
  }
  const needed = 4 * (limits.maxPacketBytes + MESSAGE_BYTES);
  if (limits.maxHeldBytes < needed) {
    throw new LimitError(
      `maxHeldBytes (${limits.maxHeldBytes}) holds fewer than four packets of maxPacketBytes (${limits.maxPacketBytes}): give at least ${needed}`,
    );
  }
  return limits;
}

/** What a held message costs besides its bytes: the packet of the parser, the kept message, closures (measured: about 450 bytes). */
export const MESSAGE_BYTES = 512;
