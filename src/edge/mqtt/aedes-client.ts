// oxlint-disable no-underscore-dangle -- what aedes keeps to itself is used in this file only
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Aedes, Client, PublishPacket } from 'aedes';
import type { ParsedPacket } from './packet-rules.ts';
import { readPublishes } from './publish-reader.ts';
import type { Wire } from './wire.ts';

/** Parts of aedes 1.2 (exact in package.json) that its types leave out. `takeOver` checks that they are what they were. */
export interface AedesClient extends Client {
  conn: WiredStream;
  will: PublishPacket | null;
  /** While it logs in. */
  readonly _will?: PublishPacket | null;
  readonly connackSent: boolean;
  readonly _paused?: boolean;
  /** Set by a valid DISCONNECT: no will then (MQTT-3.14.4-3). */
  readonly _disconnected: boolean;
  readonly _parser: EventEmitter & { readonly client: AedesClient; parse(chunk: Buffer): number };
  _parsingBatch: number;
  /** Told of the end of each packet. */
  _nextBatch: (error?: Error | null) => void;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
}

export interface WiredStream extends Duplex {
  wire: Wire;
  remoteAddress?: string;
}

export interface AedesBroker extends Aedes {
  readonly clients: Readonly<Record<string, AedesClient>>;
  connectedClients: number;
  unregisterClient(client: AedesClient): void;
  readonly mq: {
    emit: (packet: object, done: () => void) => unknown;
    on: (...subscription: unknown[]) => unknown;
    readonly _matcher?: { match(topic: string): readonly unknown[] };
  };
}

/** `clientId` is on wills that were stored. */
export type IncomingPublish = PublishPacket & { messageId?: number; length?: number; clientId?: string; payload: Buffer };

type Listener = (this: AedesClient['_parser'], packet: ParsedPacket) => void;

/**
 * aedes reads a connection when it is readable, hands all that is there to its parser, and reads on when those packets are done; it
 * counts them so loosely that a client who sends packet by packet is never held back. Here the reading is taken from it: `wire` reads, and is
 * told of each packet before aedes handles it and after.
 */
export function takeOver(client: AedesClient, wire: Wire): void {
  const { conn, _parser: parser } = client;
  const [enqueue, ...others] = parser.listeners('packet') as Listener[];
  const known = enqueue !== undefined && others.length === 0 && conn.listeners('readable').includes(client._nextBatch) && client._parsingBatch === 1;
  if (!known) throw new Error('this version of aedes reads its connections in another way than 1.2.0: install the version of package.json');
  conn.removeListener('readable', client._nextBatch);
  conn.on('readable', onReadable);
  parser.removeListener('packet', enqueue);
  parser.removeAllListeners('error');
  parser.on('packet', onPacket);
  parser.on('error', onParserError);
  client._parsingBatch = 0;
  client._nextBatch = (error) => wire.packetDone(error ?? undefined);
  handOn ??= enqueue;
}

/** Whether a client that is connected subscribes to the topic, or aedes itself. */
export function hasListener({ mq }: AedesBroker, topic: string): boolean {
  const matcher = mq._matcher;
  return matcher === undefined || matcher.match(topic).length > 0;
}

/**
 * Answers when the packets in it have been handed on; they are handled later. `within`: it begins in the middle of a packet, whose
 * first part the parser has.
 */
export function feed(client: AedesClient, chunk: Buffer, within: boolean): void {
  const read = within ? 0 : readPublishes(chunk, (packet) => handPublish(client, packet));
  // Nobody wants what comes behind a refusal.
  if (read < chunk.length && !client.closed) client._parser.parse(read === 0 ? chunk : chunk.subarray(read));
}

function handPublish(client: AedesClient, packet: ParsedPacket): boolean {
  if (client.conn.wire.packetBegins(packet)) handOn?.call(client._parser, packet);
  return !client.closed;
}

/** aedes logs it in and does not want its packets yet. */
export function isLoggingIn(client: AedesClient): boolean {
  return !client.connackSent || client._paused === true;
}

export function refreshKeepalive(client: AedesClient): void {
  client._keepaliveTimer?.refresh();
}

/** Whether a DISCONNECT came. */
export function saidGoodbye(client: AedesClient): boolean {
  return client._disconnected;
}

/** Of a client that logs in. */
export function willOf(client: AedesClient): PublishPacket | undefined {
  return client._will ?? undefined;
}

/** The function of aedes that handles a packet; the same for each client. */
let handOn: Listener | undefined;

function onReadable(this: WiredStream): void {
  this.wire.readable();
}

function onPacket(this: AedesClient['_parser'], packet: ParsedPacket): void {
  // The parser hands out a view on the chunk that it read. The copy takes its place, so that no queue holds on to the chunk.
  if (packet.cmd === 'publish' && packet.payload !== undefined) packet.payload = Buffer.from(packet.payload);
  if (this.client.conn.wire.packetBegins(packet)) handOn?.call(this, packet);
}

function onParserError(this: AedesClient['_parser'], error: Error): void {
  this.client.conn.wire.unreadable(error);
}
