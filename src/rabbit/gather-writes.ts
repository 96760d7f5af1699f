import type { Duplex } from 'node:stream';

/**
 * From here on what is written in one go leaves with one call into the kernel. amqplib writes each frame by itself, and where
 * readings go out one by one, or acks are single, the calls cost more than all that the gateway does with a message.
 * Nothing leaves later than in the turn in which it was written.
 */
export function gatherWrites(stream: Duplex): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  const gathering = (...args: unknown[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    return write(...args);
  };
  stream.write = gathering as Duplex['write'];
}
