import { MOST_MESSAGE_BYTES } from './bounds.ts';
import { Changes, type Core } from './core.ts';
import type { ClientRef, WillPacket } from './packets.ts';
import type { Will } from './store.ts';

/** The will of a connection that ended with an earlier process. */
export interface StrandedWill {
  readonly clientId: string;
  readonly packet: WillPacket & { readonly cmd: 'publish' };
  /** It is published: it does not come again. */
  settle(): void;
}

interface Held {
  readonly owner: ClientRef;
  readonly packet: WillPacket;
  /** Undefined where there was no room on the disk. */
  readonly seq: number | undefined;
}

/** Wills of the connections that there are, and of those that a kill cut. */
export class Wills {
  private readonly core: Core;
  private readonly held: Map<string, Held> = new Map();
  private stranded: readonly Will[];

  constructor(core: Core) {
    this.core = core;
    this.stranded = [...core.store.wills.values()];
  }

  /** Each once. */
  takeStranded(): StrandedWill[] {
    const { stranded } = this;
    this.stranded = [];
    return stranded.map(({ seq, client, topic, payload, qos, retain }) => ({
      clientId: client,
      packet: { cmd: 'publish', topic, payload, qos, retain, clientId: client },
      settle: () => new Changes(this.core).add(['gone', seq]).soon(),
    }));
  }

  get(client: ClientRef): WillPacket | undefined {
    return this.held.get(client.id)?.packet;
  }

  /** Resolves when it is on the disk: the CONNACK waits for that. */
  async put(client: ClientRef, brokerId: string, packet: WillPacket): Promise<void> {
    packet.brokerId = brokerId;
    packet.clientId = client.id;
    const { store, bounds, losses } = this.core;
    const { topic, payload, qos = 0, retain = false } = packet;
    const fits = payload.length <= MOST_MESSAGE_BYTES;
    if (!fits || store.wills.size >= bounds.wills) {
      losses.count(fits ? 'wills-full' : 'too-large');
      this.held.set(client.id, { owner: client, packet, seq: undefined });
      return;
    }
    const seq = store.nextSeq;
    this.held.set(client.id, { owner: client, packet, seq });
    await new Changes(this.core).add(['will', seq, client.id, topic, qos, retain], payload).durable();
  }

  /**
   * aedes takes a will away with the client itself before it stores a new one, and with no more than the name when a
   * connection has ended. Where one connection takes the place of another, the second comes after the new will is stored:
   * that one's owner lives, and keeps it.
   */
  remove(client: ClientRef): WillPacket | undefined {
    const found = this.held.get(client.id);
    if (found === undefined || (found.owner.closed === false && found.owner !== client && !('conn' in client))) return undefined;
    this.held.delete(client.id);
    if (found.seq !== undefined) new Changes(this.core).add(['gone', found.seq]).soon();
    return found.packet;
  }

  *ofOthers(brokers: Readonly<Record<string, unknown>>): Generator<WillPacket> {
    for (const { packet } of this.held.values()) if (brokers[packet.brokerId ?? ''] === undefined) yield packet;
  }
}
