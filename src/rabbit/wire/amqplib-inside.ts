import type { Channel, ChannelModel } from 'amqplib';
import type { Duplex } from 'node:stream';

/**
 * What this folder uses of amqplib beyond its typings (read in the sources of 2.3.1, which package-lock.json pins). Its tests hold
 * each of these against amqplib itself, so that another version which does it differently is seen before it is shipped.
 */
export interface ConnectionInside {
  /** The socket. */
  readonly stream: Duplex;
  /** What was read and is not parsed yet. */
  rest: Buffer;
  /** Largest payload of a frame that it takes; 0 for no bound. */
  readonly maxFrameSize: number;
  /** Largest frame that the broker takes, its 8 bytes of frame included. */
  readonly frameMax: number;
  /** Parses the next frame; false where there is none yet. Its read loop calls this as a method each time. */
  recvFrame(): unknown;
  /** Writes whole frames, of whatever channels, and remembers for the heartbeat that it did. */
  sendBytes(bytes: Buffer): void;
}

/** A channel knows its number, a confirm channel who waits for the confirm of each publish, in their order. */
export interface ChannelInside {
  readonly ch: number;
  pushConfirmCallback(callback: (error: unknown) => void): void;
}

export function insideOf(model: ChannelModel): ConnectionInside {
  return model.connection as unknown as ConnectionInside;
}

export function insideOfChannel(channel: Channel): ChannelInside {
  return channel as unknown as ChannelInside;
}
