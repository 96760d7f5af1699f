import { EDGE_REFUSALS, type EdgeRefusal } from '../../domain/edge-state.ts';

/** Plain numbers for metrics. What ends in `Now` goes up and down; the rest counts up. */
export class Counters {
  /** Sockets that are open, log-in or not. */
  connectionsNow = 0;
  /** Clients that had their CONNACK. */
  clientsNow = 0;
  /** Sockets that were let in. */
  accepted = 0;
  /** Sockets that wait for their turn (connections per second). */
  queuedNow = 0;
  tookOver = 0;
  /** PUBLISH packets by quality of service, retransmissions included; wills apart. */
  readonly publishes: [number, number, number] = [0, 0, 0];
  wills = 0;
  /** QoS 2 retransmissions of what was kept already. */
  duplicates = 0;
  /** QoS 0 messages that the keeper did not take (policy `best-effort`). */
  qos0Dropped = 0;
  /** Messages that could not be kept; their connections were closed without an acknowledgement. */
  notKept = 0;
  /** MQTT bytes that were read. */
  bytesIn = 0;
  /** Messages that were let in and wait for the keeper, or whose packets are on their way in. */
  heldMessagesNow = 0;
  /** Their payloads and headers, with an allowance for what each costs besides. */
  heldBytesNow = 0;
  /** How often a connection was not read further because all that may be held was. */
  pausedForRoom = 0;
  /** How often one was not read further because of its own share, or its publishes per second. */
  pausedForClient = 0;
  /** QoS 0 messages that were not sent to subscribers who read too slowly. */
  slowDropped = 0;
  slowClosed = 0;
  readonly refused: Record<EdgeRefusal, number> = Object.fromEntries(EDGE_REFUSALS.map((reason) => [reason, 0])) as Record<EdgeRefusal, number>;
}
