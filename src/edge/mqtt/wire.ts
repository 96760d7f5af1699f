import type { TLSSocket } from 'node:tls';
import { AckOrder } from './ack-order.ts';
import { type AedesClient, feed, isLoggingIn, refreshKeepalive, saidGoodbye, takeOver, type WiredStream } from './aedes-client.ts';
import { Finished } from './finished.ts';
import { FrameGate, type FrameOwner } from './frame-gate.ts';
import { ClientShare } from './limits/client-share.ts';
import type { Waiter } from './limits/hold-pool.ts';
import type { IncomingIds } from './incoming-ids.ts';
import { Patience } from './limits/patience.ts';
import { MESSAGE_BYTES } from './options.ts';
import { type ParsedPacket, packetFault } from './packet-rules.ts';
import type { DisconnectReason, Refusal, Transport } from './ports.ts';
import type { Shared } from './shared.ts';
import { CLOSING, LOGIN, RATE, READING, ROOM, SHARE, type Stopped } from './stopped.ts';
import { topicFault } from './text-rules.ts';

/** Packets that are handed to aedes at once. */
const BATCH = 256;
/** Packets other than PUBLISH that aedes may have under way for one client. */
const OTHERS = 256;

/** One connection: reads it, and knows what of it is under way. Ten thousand of them idle, so it is flat and has no timer. */
export class Wire implements FrameOwner, Waiter {
  readonly shared: Shared;
  readonly conn: WiredStream;
  readonly client: AedesClient;
  readonly transport: Transport;
  readonly address: string;
  readonly order = new AckOrder();
  /** Answer of the access rules. */
  who: unknown = undefined;
  /** Why the connection ends; the first reason counts. */
  reason: DisconnectReason | undefined = undefined;
  /** Of a TLS connection, until it has logged in. */
  secure: TLSSocket | undefined = undefined;
  /** Its CONNECT had no client id. */
  unnamed = false;
  /** CONNACK went out. */
  private connected = false;
  /** Packets that are not finished, or not before this turn of the loop ends. */
  private outstanding = 0;
  private readonly finished = new Finished();
  private readonly share: ClientShare;
  private readonly gate = new FrameGate();
  private stopped: Stopped = READING;
  private pumping = false;
  private readonly patience: Patience;

  constructor(shared: Shared, conn: WiredStream, client: AedesClient, transport: Transport, address: string, now: number) {
    this.shared = shared;
    this.conn = conn;
    this.client = client;
    this.transport = transport;
    this.address = address;
    this.patience = new Patience(now + shared.limits.connectTimeoutMs);
    this.share = new ClientShare(shared.limits);
    conn.wire = this;
    takeOver(client, this);
    shared.wires.add(this);
    conn.on('close', onClose);
  }

  /** There is something to read. What a stopped connection puts back is announced again and again, at once: nothing else would run. */
  readable(): void {
    if (this.stopped === READING) this.pump();
  }

  /** Hands to aedes what is there and may come in. */
  pump(): void {
    const { conn, client, gate, shared } = this;
    if (this.pumping || client.closed) return;
    this.pumping = true;
    shared.now = Date.now();
    const frames = gate.frames;
    try {
      while (!this.waits()) {
        const chunk = conn.read() as Buffer | null;
        if (chunk === null) break;
        const { inside } = gate;
        const passed = gate.pass(chunk, this, gate.frames === 0 ? 1 : BATCH, shared.limits.maxPacketBytes);
        if (passed < chunk.length && gate.fault === undefined) conn.unshift(passed === 0 ? chunk : chunk.subarray(passed));
        shared.counters.bytesIn += passed;
        if (passed > 0) feed(client, passed === chunk.length ? chunk : chunk.subarray(0, passed), inside);
        if (gate.fault !== undefined) this.refuse(gate.fault, 'a packet whose fixed header is not one of MQTT 3.1.1, or too long');
        if (client.closed || this.stopped !== READING) break;
      }
    } catch (error) {
      this.fault(error as Error);
    }
    this.pumping = false;
    // A long packet over a slow line is no silence.
    if (gate.inside) refreshKeepalive(client);
    // Who is not let in is not late.
    if (gate.inside && (this.stopped === READING || this.stopped === LOGIN)) {
      this.patience.owes(shared.now + shared.limits.packetTimeoutMs, gate.frames > 0 && gate.frames !== frames);
    } else if (gate.frames > 0) this.patience.owesNothing();
  }

  /** Whether the next packet must wait for those before it. */
  private waits(): boolean {
    const { client, shared } = this;
    if (shared.closing) this.stopped = CLOSING;
    else if (this.gate.frames > 0 && isLoggingIn(client)) this.stopped = LOGIN;
    else if (this.outstanding >= shared.limits.maxClientHeldMessages + OTHERS) this.stopped = SHARE;
    else this.stopped = READING;
    return this.stopped !== READING;
  }

  /** Its turn: the pool has room, or a second has passed. */
  resume(): void {
    if (this.stopped !== READING) this.pump();
  }

  admit(length: number): boolean {
    const { limits, pool, counters, throttled, now } = this.shared;
    const bytes = length + MESSAGE_BYTES;
    if (this.share.isFull(bytes, limits)) {
      counters.pausedForClient++;
      this.stopped = SHARE;
      return false;
    }
    if (this.share.isTooFast(now, limits)) {
      counters.pausedForClient++;
      this.stopped = RATE;
      throttled.add(this);
      return false;
    }
    if (!pool.reserve(bytes, this)) {
      this.stopped = ROOM;
      return false;
    }
    this.share.comes(bytes);
    return true;
  }

  /** A PUBLISH is whole: it is not on its way in any more. Answers what it was counted with. */
  arrived(length: number): number {
    const bytes = length + MESSAGE_BYTES;
    const large = this.share.arrived(bytes);
    if (large > 0) this.shared.pool.assembled(large);
    return bytes;
  }

  /** A message is not held any more. */
  freed(bytes: number): void {
    this.share.freed(bytes);
    this.shared.pool.release(1, bytes);
  }

  /** Acknowledges what can be; ends the connection at the first message that was not kept. */
  advance(): void {
    const failed = this.order.advance();
    if (failed === undefined) return;
    this.shared.counters.notKept++;
    this.end('not-kept', failed.message);
  }

  /** Messages of packets that are not whole yet. */
  get coming(): number {
    return this.share.comingMessages;
  }

  /** CONNACK went out; nothing that came after CONNECT has been read. */
  welcome(ids: IncomingIds): void {
    const { client, shared } = this;
    this.connected = true;
    this.secure = undefined;
    shared.users.entered(this, client.id);
    // Of an earlier session, whose last connection is closed by now.
    if (client.clean) ids.forget(client.id);
    shared.counters.clientsNow++;
    shared.emit({ kind: 'connected', clientId: client.id, address: this.address, transport: this.transport, at: Date.now() });
  }

  /** aedes' resume() after the log-in counts as the end of a packet. */
  granted(): void {
    this.outstanding++;
  }

  /** Whether aedes is to handle it. */
  packetBegins(packet: ParsedPacket): boolean {
    this.outstanding++;
    const fault = packetFault(packet);
    if (fault !== undefined) {
      this.refuse('malformed', `${packet.cmd}: ${fault}`);
      return false;
    }
    const { cmd, topic } = packet;
    // aedes answers it, or ends the connection: PUBACKs of what came before go first.
    if (cmd !== 'publish') this.writeAcks();
    // Here and not in the hook: aedes itself answers some of them, as a failure of its own.
    const bad = cmd === 'publish' && topic !== undefined ? topicFault(topic, this.shared.limits.maxTopicBytes) : undefined;
    if (bad !== undefined) this.refuse(bad, `PUBLISH to ${topic?.slice(0, 256)}`);
    return bad === undefined;
  }

  packetDone(error?: Error): void {
    if (error !== undefined) {
      this.fault(error);
      return;
    }
    this.outstanding--;
    this.readOn();
  }

  /** A PUBLISH is safe, and aedes need not go on with it; 0 for one without a packet id. False where the socket takes no more: aedes waits then. */
  finish(messageId: number): boolean {
    if (this.conn.writableNeedDrain || !this.client.connected) return false;
    if (!this.finished.add(messageId)) return true;
    process.nextTick(() => {
      this.writeAcks();
      this.outstanding -= this.finished.take();
      this.readOn();
    });
    return true;
  }

  /** Before anything else is written for a PUBLISH. */
  writeAcks(): void {
    this.finished.write(this.conn);
  }

  private readOn(): void {
    if (this.stopped === LOGIN || (this.stopped === SHARE && this.share.heldMessages <= this.shared.limits.maxClientHeldMessages / 2)) this.pump();
  }

  unreadable(error: Error): void {
    // A client that is told so can say what its user must change (MQTT-3.1.2-2).
    if (this.gate.frames <= 1 && error.message === 'Invalid protocol version') this.conn.write(WRONG_VERSION);
    this.refuse('malformed', error.message);
  }

  /** Counts and tells a refusal without ending the connection. */
  note(reason: Refusal, detail: string): void {
    this.shared.counters.refused[reason]++;
    this.shared.emit({ kind: 'refused', reason, clientId: this.client.id ?? '', address: this.address, detail });
  }

  refuse(reason: Refusal, detail: string): void {
    if (this.client.closed) return;
    this.note(reason, detail);
    this.end(reason, detail);
  }

  slow(waitingBytes: number): void {
    if (this.client.closed) return;
    this.shared.counters.slowClosed++;
    this.shared.emit({ kind: 'slow-client', clientId: this.client.id, address: this.address, waitingBytes });
    this.end('slow-client', `${waitingBytes} bytes wait in its socket`);
  }

  private fault(error: Error): void {
    // What was under way when the connection ended fails with it.
    if (this.client.closed) return;
    if (this.reason === undefined) this.shared.emit({ kind: 'fault', clientId: this.client.id ?? '', error });
    this.end('fault', error.message);
  }

  private end(reason: DisconnectReason, detail: string): void {
    if (this.client.closed) return;
    this.reason ??= reason;
    // Packets are written when the turn of the loop ends: acknowledgements of what was kept still go out.
    this.writeAcks();
    while (this.conn.writableCorked > 0) this.conn.uncork();
    this.client.emit('error', new Error(detail));
  }

  /** Once in a while; see `SWEEP_MS`. */
  sweep(now: number): void {
    const { limits } = this.shared;
    // Nobody reads its PINGREQ: its silence is ours.
    if (this.stopped !== READING && this.stopped !== LOGIN) refreshKeepalive(this.client);
    if (this.patience.isLate(now)) {
      if (this.gate.frames === 0) this.refuse('connect-timeout', `no CONNECT within ${limits.connectTimeoutMs} ms`);
      else this.refuse('packet-too-slow', `a packet was not whole after ${limits.packetTimeoutMs} ms`);
    }
    if (this.patience.stuckFor(now, this.conn) > limits.drainTimeoutMs) this.slow(this.conn.writableLength);
  }

  closed(): void {
    const { pool, wires, users, throttled, counters, emit } = this.shared;
    wires.delete(this);
    users.entered(this, this.client.id);
    throttled.delete(this);
    pool.assembled(this.share.comingLarge);
    pool.leave(this);
    if (this.share.comingMessages > 0) pool.release(this.share.comingMessages, this.share.comingBytes);
    if (!this.connected) return;
    counters.clientsNow--;
    const reason = this.reason ?? (saidGoodbye(this.client) ? 'disconnect' : 'lost');
    emit({ kind: 'disconnected', clientId: this.client.id, address: this.address, reason, at: Date.now() });
  }
}

const WRONG_VERSION = Buffer.from([0x20, 2, 0, 1]);

function onClose(this: WiredStream): void {
  this.wire.closed();
}
