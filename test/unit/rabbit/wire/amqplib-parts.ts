import type { ConfirmChannel } from 'amqplib';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Duplex } from 'node:stream';
import type { ConnectionInside } from '../../../../src/rabbit/wire/amqplib-inside.ts';

// amqplib exports none of this; what `src/rabbit/wire` does is held against it.
const load = createRequire(import.meta.url);
const part = (name: string): unknown => load(join(dirname(load.resolve('amqplib')), 'lib', name));

type Fields = Readonly<Record<string, unknown>>;

interface Definitions {
  readonly BasicDeliver: number;
  readonly BasicAck: number;
  readonly BasicProperties: number;
  readonly encodeMethod: (id: number, channel: number, fields: Fields) => Buffer;
  readonly encodeProperties: (id: number, channel: number, size: number, fields: Fields) => Buffer;
}

interface Frame {
  readonly channel: number;
}

type TestConnection = ConnectionInside & {
  frameMax: number;
  maxFrameSize: number;
  channels: ({ readonly channel: { accept(frame: unknown): void }; readonly buffer: Duplex } | undefined)[];
  accept: (frame: Frame) => void;
  acceptLoop(): void;
  on(event: 'frameError', listener: (error: Error) => void): void;
};

type TestChannel = ConfirmChannel & {
  ch: number;
  accept(frame: unknown): void;
  consumers: Map<string, (message: unknown) => void>;
};

export const definitions = part('defs.js') as Definitions;
export const { makeBodyFrame, HEARTBEAT_BUF } = part('frame.js') as { makeBodyFrame: (channel: number, payload: Buffer) => Buffer; HEARTBEAT_BUF: Buffer };
const { Connection } = part('connection.js') as { Connection: new (stream: Duplex) => TestConnection };
const { ConfirmChannel: Channel } = part('channel_model.js') as { ConfirmChannel: new (connection: TestConnection) => TestChannel };

/** A socket whose other side is the test. */
class TestSocket extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

/** amqplib with a connection that is open, without a broker. */
export function openConnection(): { readonly connection: TestConnection; readonly socket: TestSocket; channel: (number: number) => TestChannel } {
  const socket = new TestSocket();
  const connection = new Connection(socket);
  connection.accept = (frame) => connection.channels[frame.channel]?.channel.accept(frame);
  return {
    connection,
    socket,
    channel: (number) => {
      const channel = new Channel(connection);
      channel.ch = number;
      // As for each of amqplib's own; what is written there is seen at once.
      connection.channels[number] = { channel, buffer: socket };
      return channel;
    },
  };
}

export async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
