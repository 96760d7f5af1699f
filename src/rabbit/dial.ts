import { connect } from 'amqplib';
import type { Scheduler } from '../pipeline/ports.ts';
import { brokerAddress } from './broker-address.ts';
import { Connection } from './connection.ts';
import { within } from './deadline.ts';
import { gatherWrites } from './gather-writes.ts';
import { redactUrl } from './reasons.ts';
import type { SessionTls } from './tls.ts';

export interface DialOptions {
  /** In RabbitMQ's list of connections. */
  readonly connectionName: string;
  readonly heartbeatSeconds: number;
  /** For TCP, TLS and the AMQP handshake together. */
  readonly connectTimeoutMs: number;
  readonly tls?: SessionTls | undefined;
  readonly scheduler: Scheduler;
}

/** One attempt at one address. Rejects by the deadline, and soon after `stop` aborts; nothing of the attempt is open then. */
export async function dial(url: string, epoch: number, options: DialOptions, stop: AbortSignal): Promise<Connection> {
  const { connectTimeoutMs, scheduler, tls, connectionName, heartbeatSeconds } = options;
  // For this attempt alone: amqplib hands `signal` to the socket, which would be destroyed by it for as long as it lives.
  const attempt = new AbortController();
  const giveUp = (): void => attempt.abort();
  const socket = { ...tls, noDelay: true, keepAlive: true, keepAliveDelay: 10_000, timeout: connectTimeoutMs, signal: attempt.signal };
  const clientProperties = { product: 'sluice', connection_name: connectionName };
  const opening = connect(brokerAddress(url, heartbeatSeconds), { ...socket, clientProperties }).then((model) => {
    const connection = new Connection(model, epoch, scheduler);
    gatherWrites(connection.stream);
    return connection;
  });
  stop.addEventListener('abort', giveUp);
  try {
    // amqplib's `timeout` counts idle time: a peer that drips bytes would hold it for ever.
    return await within(opening, connectTimeoutMs, redactUrl(url), scheduler);
  } catch (error) {
    giveUp();
    opening.then(
      (late) => late.destroy('connected too late'),
      () => {},
    );
    throw error;
  } finally {
    stop.removeEventListener('abort', giveUp);
  }
}
