import type { AedesPublishPacket } from 'aedes';
import type { AedesBroker, AedesClient } from './aedes-client.ts';
import type { Shared } from './shared.ts';

/**
 * Lets nobody wait for subscribers: aedes finishes a PUBLISH when each of them has taken it, and one that does not read would
 * hold up all who publish what it subscribes to. What waits for it is bounded by `forward`.
 */
export function doNotWait(broker: AedesBroker): void {
  const { mq } = broker;
  const emit = mq.emit.bind(mq);
  mq.emit = (packet, done) => {
    emit(packet, nothing);
    done();
  };
}

function nothing(): void {}

/** `authorizeForward` of aedes: whether a message is still worth writing to a subscriber. */
export function forward(shared: Shared, client: AedesClient, packet: AedesPublishPacket): AedesPublishPacket | null {
  const { maxOutgoingBytes } = shared.limits;
  const waiting = client.conn.writableLength;
  if (waiting <= maxOutgoingBytes / 4) return packet;
  if (waiting > maxOutgoingBytes) client.conn.wire.slow(waiting);
  // Without leave aedes takes it that the client has had a message of QoS 1 or 2, and forgets it in its session.
  if (packet.qos > 0) return packet;
  shared.counters.slowDropped++;
  return null;
}

/**
 * aedes forgets the client that is registered under the id of one that closed, also where that is a newer one already, which then
 * nobody takes over from or closes.
 */
export function forgetOnlyItself(broker: AedesBroker): void {
  const unregister = broker.unregisterClient.bind(broker);
  broker.unregisterClient = (client) => {
    if (broker.clients[client.id] === client) unregister(client);
    else broker.connectedClients--;
  };
}
