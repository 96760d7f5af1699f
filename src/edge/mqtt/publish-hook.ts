import type { Held } from './ack-order.ts';
import type { AedesClient, IncomingPublish } from './aedes-client.ts';
import { type Incoming, IncomingIds } from './incoming-ids.ts';
import { MESSAGE_BYTES } from './options.ts';
import type { Access, SessionExtras } from './ports.ts';
import type { Keeper, KeptMessage } from '../ports.ts';
import type { Shared } from './shared.ts';
import type { Wire } from './wire.ts';

export interface PublishHookOptions {
  readonly shared: Shared;
  readonly keeper: Keeper;
  readonly access: Access;
  readonly sessions: SessionExtras;
  readonly qos0: 'keep' | 'best-effort';
}

/** What aedes waits for before it acknowledges and hands on. */
type Go = (error?: Error | null) => void;

/**
 * Between the arrival of a PUBLISH and its acknowledgement: refuses it, or hands it to the keeper and holds aedes until it is safe. aedes
 * calls in the order of arrival, and `authorizePublish` is the only place that it waits at before the PUBACK.
 */
export class PublishHook {
  readonly ids = new IncomingIds();
  private readonly options: PublishHookOptions;

  constructor(options: PublishHookOptions) {
    this.options = options;
  }

  /** `authorizePublish` of aedes. Without a client: a will that was stored. */
  publish(client: AedesClient | null, packet: IncomingPublish, go: Go): void {
    if (client === null || packet === client.will) {
      this.will(client, packet, go);
      return;
    }
    const { shared, access, keeper, sessions, qos0 } = this.options;
    const { wire } = client.conn;
    const bytes = wire.arrived(packet.length ?? 0);
    const { qos } = packet;
    shared.counters.publishes[qos]++;
    if (!access.mayPublish(wire.who, client.id, packet.topic)) {
      wire.freed(bytes);
      // Closed without an acknowledgement, as RabbitMQ does: MQTT 3.1.1 has no other way to say no.
      wire.refuse('publish-denied', `PUBLISH to ${packet.topic.slice(0, 256)}`);
      return;
    }
    const message = messageOf(packet, qos, client.id, shared.now);
    const silence = qos === 2 || message.retain ? 0 : shared.audience.silence(packet.topic);
    if (qos === 0 && qos0 === 'best-effort') {
      if (!keeper.offer(message)) shared.counters.qos0Dropped++;
      if (message.retain) sessions.keepLocal(message, () => undefined);
      wire.freed(bytes);
      if (silence === 0 || !wire.finish(0)) go();
      return;
    }
    const held = new HeldPublish(wire, packet, bytes, go, silence);
    if (qos === 2 && !this.isNew(client, packet.messageId ?? 0, held)) return;
    wire.order.add(held);
    keeper.keep(message, held.part);
    if (silence === 0) sessions.keepLocal(message, held.part);
  }

  /** `published` of aedes: the packet id of a QoS 2 message is in the store, and PUBREC comes next. */
  published(packet: { readonly qos: number; readonly messageId?: number }, client: AedesClient | null): void {
    if (packet.qos === 2 && client !== null && packet.messageId !== undefined) this.ids.remove(client.id, packet.messageId);
  }

  /** Whether a QoS 2 message has not been seen before. One that has is held, if need be, until its first copy is safe. */
  private isNew(client: AedesClient, messageId: number, held: HeldPublish): boolean {
    const { sessions, shared } = this.options;
    const earlier = this.ids.get(client.id, messageId);
    if (earlier === undefined && !sessions.hasIncoming(client.id, messageId)) {
      const incoming: Incoming = { kept: false, held };
      held.track(this.ids, client.id, incoming);
      this.ids.add(client.id, messageId, incoming);
      return true;
    }
    shared.counters.duplicates++;
    const first = earlier?.held as HeldPublish | undefined;
    if (first !== undefined && first.wire === held.wire) {
      // Its PUBREC is on its way on this connection; aedes would answer, and hand on, twice.
      held.forget();
      return false;
    }
    held.wire.order.add(held);
    if (earlier === undefined || earlier.kept) held.settle(undefined);
    else {
      first?.leave();
      earlier.held = held;
    }
    return false;
  }

  private will(client: AedesClient | null, packet: IncomingPublish, go: Go): void {
    const { shared, keeper, sessions } = this.options;
    // A copy: its payload is part of the CONNECT, or of what the store has read.
    packet.payload = Buffer.from(packet.payload);
    const message = messageOf(packet, packet.qos, client?.id ?? packet.clientId ?? '', Date.now());
    const bytes = message.payload.length + message.topic.length + MESSAGE_BYTES;
    shared.counters.wills++;
    shared.pool.take(bytes);
    let waits = 2;
    let failed: Error | undefined;
    const part = (error: Error | undefined): void => {
      failed ??= error;
      waits--;
      if (waits > 0) return;
      shared.pool.release(1, bytes);
      // aedes would delete the will from the store. It stays there, and is published after the next start.
      if (failed === undefined) go();
      else shared.emit({ kind: 'fault', clientId: message.clientId, error: failed });
    };
    keeper.keep(message, part);
    sessions.keepLocal(message, part);
  }
}

function messageOf(packet: IncomingPublish, qos: 0 | 1 | 2, clientId: string, receivedAt: number): KeptMessage {
  return { topic: packet.topic, payload: packet.payload, qos, retain: packet.retain, dup: packet.dup, clientId, receivedAt };
}

class HeldPublish implements Held {
  settled = false;
  error: Error | undefined = undefined;
  next: Held | undefined = undefined;
  readonly wire: Wire;
  private readonly qos: number;
  private readonly bytes: number;
  private go: Go | undefined;
  /** The keeper, and the sessions of local subscribers where there are any. */
  private waits: number;
  /** Of its topic when it came; see Audience. */
  private readonly silence: number;
  private gone = false;
  private ids: IncomingIds | undefined = undefined;
  private incoming: Incoming | undefined = undefined;
  private clientId = '';
  private readonly messageId: number;

  constructor(wire: Wire, { qos, messageId = 0 }: IncomingPublish, bytes: number, go: Go, silence: number) {
    this.wire = wire;
    this.qos = qos;
    this.messageId = messageId;
    this.bytes = bytes;
    this.go = go;
    this.silence = silence;
    this.waits = silence === 0 ? 2 : 1;
  }

  track(ids: IncomingIds, clientId: string, incoming: Incoming): void {
    this.ids = ids;
    this.clientId = clientId;
    this.incoming = incoming;
  }

  readonly part = (error: Error | undefined): void => {
    this.error ??= error;
    this.waits--;
    if (this.waits === 0) this.settle(this.error);
  };

  settle(error: Error | undefined): void {
    const { incoming } = this;
    if (incoming !== undefined) {
      if (error === undefined) incoming.kept = true;
      else this.ids?.remove(this.clientId, this.messageId, incoming);
    }
    const last = incoming?.held as HeldPublish | undefined;
    this.error = error;
    this.settled = true;
    if (this.gone) this.wire.freed(this.bytes);
    this.wire.advance();
    if (last !== undefined && last !== this) last.settle(error);
  }

  /** The message came again on another connection, where it is answered: here nothing more follows. */
  leave(): void {
    this.go = undefined;
    // The first copy is settled by the keeper, a later one by nobody.
    if (this.incoming === undefined) this.settle(undefined);
  }

  release(): void {
    this.wire.freed(this.bytes);
    const { client } = this.wire;
    // The session has ended with its connection: its ids will mean other messages.
    if (this.qos === 2 && client.closed && client.clean) this.ids?.remove(this.clientId, this.messageId, this.incoming);
    else if (!this.finish()) this.go?.();
  }

  /** Without aedes, where nobody has subscribed to its topic by now. */
  private finish(): boolean {
    const { wire, silence } = this;
    if (silence !== 0 && wire.shared.audience.lasts(silence) && wire.finish(this.messageId)) return true;
    wire.writeAcks();
    return false;
  }

  drop(): void {
    this.go = undefined;
    this.gone = true;
    if (this.settled) this.wire.freed(this.bytes);
  }

  /** A copy that is neither kept nor answered. */
  forget(): void {
    this.wire.freed(this.bytes);
    this.wire.packetDone();
  }
}
