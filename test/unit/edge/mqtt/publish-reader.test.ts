import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPublishes } from '../../../../src/edge/mqtt/publish-reader.ts';
import { packet, PINGREQ, publish, subscribe } from './packets.ts';

interface Parsed {
  readonly cmd: string;
  readonly messageId?: number;
  readonly payload?: Buffer | string | null;
  readonly [field: string]: unknown;
}

// The parser of aedes, which is not among our own packages.
const load = createRequire(createRequire(import.meta.url).resolve('aedes'));
const { parser: newParser } = load('mqtt-packet') as { parser: () => EventEmitter & { parse(bytes: Buffer): number } };

/** What of a packet is compared; the payload as text, for bytes that are equal are enough. */
function told({ cmd, retain, qos, dup, length, topic, messageId, payload }: Parsed): object {
  return { cmd, retain, qos, dup, length, topic, messageId, payload: Buffer.isBuffer(payload) ? payload.toString('hex') : payload };
}

/** Packets and faults, in order; `quick`: with the reader before the parser, as the listener has it. */
function read(chunks: readonly Buffer[], quick: boolean): { readonly heard: unknown[]; readonly fast: number } {
  const heard: unknown[] = [];
  const parser = newParser();
  let fast = 0;
  let left = 0;
  parser.on('packet', (parsed: Parsed) => heard.push(told(parsed)));
  parser.on('error', (error: Error) => heard.push(error.message));
  for (const chunk of chunks) {
    const done =
      quick && left === 0
        ? readPublishes(chunk, (parsed) => {
            heard.push(told(parsed as unknown as Parsed));
            fast += 1;
            return true;
          })
        : 0;
    left = done < chunk.length ? parser.parse(chunk.subarray(done)) : 0;
  }
  return { heard, fast };
}

const anyPacket = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        topic: fc.oneof(
          fc.constantFrom('a', 'a/b', '', 'ä/\u{1f321}'),
          fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
        ),
        size: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 100, max: 300 })),
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        id: fc.constantFrom(0, 1, 300, 65_535),
        retain: fc.boolean(),
        dup: fc.boolean(),
      })
      .map(({ topic, size, ...fields }) => publish(topic, Buffer.alloc(size, 7), fields)),
  },
  fc.constantFrom(PINGREQ, subscribe(3, 'a/#')),
);
const broken = fc.tuple(fc.constantFrom(0x30, 0x32, 0x34), fc.uint8Array({ maxLength: 6 })).map(([first, body]) => packet(first, Buffer.from(body)));

describe('PUBLISH packets that are read before the parser of aedes', () => {
  it('are those that it makes, in the same order, wherever the stream is cut', () => {
    let fast = 0;
    fc.assert(
      fc.property(fc.array(anyPacket, { maxLength: 10 }), fc.array(fc.nat(1500), { maxLength: 6 }), (packets, cuts) => {
        const bytes = Buffer.concat(packets);
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        const quick = read(chunks, true);
        expect(quick.heard).toEqual(read(chunks, false).heard);
        fast += quick.fast;
      }),
      { numRuns: 2000 },
    );
    // Not vacuous.
    expect(fast).toBeGreaterThan(2000);
  });

  it('are left to it where they are not well-formed, and what is behind them', () => {
    fc.assert(
      fc.property(anyPacket, broken, (good, bad) => {
        const chunks = [Buffer.concat([good, bad])];
        expect(read(chunks, true).heard).toEqual(read(chunks, false).heard);
      }),
      { numRuns: 2000 },
    );
  });

  it('have payloads of their own', () => {
    const bytes = Buffer.concat([publish('a', 'one', { qos: 1 }), publish('b', 'two')]);
    const payloads: Buffer[] = [];
    readPublishes(bytes, ({ payload }) => payloads.push(payload) > 0);
    bytes.fill(0);
    expect(payloads.map(String)).toEqual(['one', 'two']);
  });

  it('are not read on where no more is wanted', () => {
    const first = publish('a', 'one');
    const seen: string[] = [];
    const done = readPublishes(Buffer.concat([first, publish('b', 'two')]), ({ topic }) => {
      seen.push(topic);
      return false;
    });
    expect([seen, done]).toEqual([['a'], first.length]);
  });
});
