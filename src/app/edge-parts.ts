import type { AccessSettings } from '../edge/access/accounts.ts';
import type { SessionBounds } from '../edge/session/bounds.ts';
import type { Limits, ListenTls, MqttListenerOptions } from '../edge/mqtt/options.ts';
import type { Settings } from '../settings/load.ts';

type Edge = Settings['edge'];
type Ends = Pick<MqttListenerOptions, 'tcp' | 'tls' | 'ws'>;

/** Where the settings say that devices connect. */
export function listenersOf({ tcp, tls, websocket }: Edge): Ends {
  return {
    ...(tcp === undefined ? {} : { tcp }),
    ...(tls === undefined ? {} : { tls: { host: tls.host, port: tls.port, ...certificatesOf(tls) } }),
    ...(websocket === undefined
      ? {}
      : { ws: { host: websocket.host, port: websocket.port, ...(websocket.tls === undefined ? {} : { tls: certificatesOf(websocket.tls) }) } }),
  };
}

function certificatesOf({ cert, key, passphrase, ca, clientCertificates }: NonNullable<NonNullable<Edge['websocket']>['tls']>): ListenTls {
  return { cert, key, clientCertificates, ...(passphrase === undefined ? {} : { passphrase }), ...(ca === undefined ? {} : { ca }) };
}

/** What the settings bound, in the terms of the listener. */
export function limitsOf({ limits }: Edge): Partial<Limits> {
  return {
    maxPacketBytes: limits.packetBytes,
    maxTopicBytes: limits.topicBytes,
    maxConnections: limits.connections,
    connectionsPerSecond: limits.connectionsPerSecond,
    clientsPerUser: limits.clientsPerUser,
    publishesPerSecond: limits.publishesPerSecond,
    maxHeldMessages: limits.heldMessages,
    maxHeldBytes: limits.heldBytes,
    maxOutgoingBytes: limits.outgoingBytes,
  };
}

/** Who may do what. */
export function accessOf({ users, anonymous, certificateName }: Edge): AccessSettings {
  return { users, anonymous, certificateName };
}

export function sessionBoundsOf({ sessions }: Edge): Partial<SessionBounds> {
  return {
    sessions: sessions.count,
    sessionExpiryMs: sessions.expirySeconds * 1000,
    queuedMessages: sessions.queuedMessages,
    retained: sessions.retainedMessages,
  };
}
