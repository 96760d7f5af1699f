import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { gatherWrites } from '../../../src/rabbit/gather-writes.ts';

/** What reached the kernel, one text for each call. */
function socket(): { readonly stream: Duplex; readonly calls: string[] } {
  const calls: string[] = [];
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      calls.push(chunk.toString());
      done();
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join('+'));
      done();
    },
  });
  gatherWrites(stream);
  return { stream, calls };
}

const turn = async (): Promise<void> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
};

describe('the writes to a socket', () => {
  it('leave together where they are made together, in order and in the same turn', async () => {
    const { stream, calls } = socket();
    for (const frame of ['a', 'b', 'c']) stream.write(frame);
    await turn();
    expect(calls).toEqual(['a+b+c']);
    stream.write('d');
    await turn();
    expect(calls).toEqual(['a+b+c', 'd']);
  });

  it('say when there is too much of them, and go on when it has left', async () => {
    const { stream, calls } = socket();
    const drained = new Promise((resolve) => {
      stream.once('drain', resolve);
    });
    expect(stream.write('x'.repeat(stream.writableHighWaterMark))).toBe(false);
    await drained;
    expect(calls).toHaveLength(1);
    expect(stream.write('y')).toBe(true);
    await turn();
    expect(calls).toHaveLength(2);
  });

  it('leave before the end', async () => {
    const { stream, calls } = socket();
    stream.write('a');
    stream.write('b');
    const finished = new Promise((resolve) => {
      stream.once('finish', resolve);
    });
    stream.end();
    await finished;
    expect(calls.join('+')).toBe('a+b');
    await turn();
  });
});
