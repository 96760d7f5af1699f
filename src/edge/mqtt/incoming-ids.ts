import type { Held } from './ack-order.ts';

/** A QoS 2 message between its arrival and the moment when its packet id is in the store of sessions. */
export interface Incoming {
  /** Safe in the keeper; a retransmission is not kept again. */
  kept: boolean;
  /** Waits for the keeper: of the connection on which the message was sent last. */
  held: Held | undefined;
}

/**
 * Keeps QoS 2 messages from being kept twice while the store of sessions does not know of them yet: a device may lose its connection
 * and send the message again on another while the first copy is still on its way to the disk.
 */
export class IncomingIds {
  private readonly clients = new Map<string, Map<number, Incoming>>();

  get(clientId: string, messageId: number): Incoming | undefined {
    return this.clients.get(clientId)?.get(messageId);
  }

  add(clientId: string, messageId: number, incoming: Incoming): void {
    const ids = this.clients.get(clientId);
    if (ids === undefined) this.clients.set(clientId, new Map([[messageId, incoming]]));
    else ids.set(messageId, incoming);
  }

  /** The store knows the id, or the message was not kept. */
  remove(clientId: string, messageId: number, only?: Incoming): void {
    const ids = this.clients.get(clientId);
    if (ids === undefined || (only !== undefined && ids.get(messageId) !== only)) return;
    ids.delete(messageId);
    if (ids.size === 0) this.clients.delete(clientId);
  }

  /** The session ends: its ids mean new messages from now on. */
  forget(clientId: string): void {
    this.clients.delete(clientId);
  }

  get size(): number {
    let size = 0;
    for (const ids of this.clients.values()) size += ids.size;
    return size;
  }
}
