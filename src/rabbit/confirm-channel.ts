import type { ConfirmChannel, Message } from 'amqplib';
import type { Chain, Link } from '../domain/chain.ts';
import { type Fault, fault } from '../domain/fault.ts';
import type { Connection } from './connection.ts';
import { lost } from './publish-faults.ts';

/** How long the broker may take to answer the closing of a channel before the whole connection is given up. */
export const CLOSE_MS = 1000;

/** A channel on which the broker refuses messages gives way to another one when it is so old: no more than one a second is opened. */
export const REPLACE_MS = 1000;

/** A message on its way over a confirm channel. */
export interface InFlight<T> extends Link<T> {
  /** AMQP message-id. */
  readonly id: string;
  /** On the monotonic clock. */
  readonly sentAt: number;
  /** For how long the broker had blocked the connection by then, milliseconds. */
  readonly blockedMs: number;
  /** Reply text of basic.return; it comes before the confirm of the same message. */
  returned: string | undefined;
}

/** How long a message has been waiting for its confirm, milliseconds, without the time for which the broker blocked the connection. */
export function waitedMs({ sentAt, blockedMs }: InFlight<unknown>, connection: Connection, now: number): number {
  return now - sentAt - (connection.blockedMs - blockedMs);
}

/**
 * Notes what is returned, and calls `end` with the reason each time that something says that the channel is gone; at once where the
 * connection already is. `faultOf`: why the broker closed it. Answers how to stop listening to the connection.
 */
export function watchChannel<T extends InFlight<T>>(
  channel: ConfirmChannel,
  connection: Connection,
  pending: Chain<T>,
  faultOf: (error: Error) => Fault,
  end: (why: Fault) => void,
): () => void {
  channel.on('return', (message: Message) => {
    const id: unknown = message.properties.messageId;
    for (const each of pending) if (each.id === id) each.returned = (message.fields as { replyText?: string }).replyText ?? 'returned';
  });
  channel.on('error', (error: Error) => end(faultOf(error)));
  // In front of amqplib's own listener, which fails the outstanding confirms like nacks.
  channel.prependListener('close', () => end(lost()));
  // destroy() of the connection reaches the channel a tick later; nobody shall wait for that.
  return connection.onLost((reason) => end(fault('NOT_CONNECTED', reason)));
}
