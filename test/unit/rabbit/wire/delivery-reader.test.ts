import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Delivered, DeliveryReader } from '../../../../src/rabbit/wire/delivery-reader.ts';
import { definitions, HEARTBEAT_BUF, makeBodyFrame, openConnection, turn } from './amqplib-parts.ts';

const { BasicAck, BasicDeliver, BasicProperties, encodeMethod, encodeProperties } = definitions;
/** Channels of the tests; only some of them are listened to. */
const CHANNELS = [1, 2, 300] as const;
const CONSUMER = 'amq.ctag-1';

interface Sent {
  readonly channel: number;
  readonly fields: { readonly redelivered: boolean; readonly exchange: string; readonly routingKey: string };
  readonly properties: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
  /** Bytes of one body frame at most. */
  readonly cut: number;
}

const DEVICE = { headers: { 'x-mqtt-publish-qos': { '!': 'byte', value: 1 }, 'x-mqtt-dup': false }, deliveryMode: 2 } as const;

function frames({ channel, fields, properties, content, cut }: Sent, deliveryTag: number): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < content.length; at += cut) bodies.push(makeBodyFrame(channel, content.subarray(at, at + cut)));
  return [
    encodeMethod(BasicDeliver, channel, { consumerTag: CONSUMER, deliveryTag, ...fields }),
    encodeProperties(BasicProperties, channel, content.length, properties),
    ...bodies,
  ];
}

function sent(over: Partial<Sent> = {}): Sent {
  const fields = { redelivered: false, exchange: 'amq.topic', routingKey: 'devices.north.m1' };
  return { channel: 1, fields, properties: DEVICE, content: Buffer.from('{"t":21.5}'), cut: 4088, ...over };
}

/** The parts of a message that the gateway reads. */
function known(channel: number, { fields, properties, content }: Delivered): object {
  const { deliveryTag, redelivered, exchange, routingKey } = fields;
  const { contentType, contentEncoding, headers, deliveryMode, messageId } = properties;
  return {
    channel,
    fields: { deliveryTag, redelivered, exchange, routingKey },
    properties: { contentType, contentEncoding, headers: headers === undefined ? undefined : { ...headers }, deliveryMode, messageId },
    content: content.toString('hex'),
  };
}

/** What comes out of amqplib alone, or of amqplib with a reader before it, and which messages amqplib handed out itself. */
function bed(listening: readonly number[]) {
  const { connection, socket, channel } = openConnection();
  const got: object[] = [];
  const usual: object[] = [];
  const contents: Buffer[] = [];
  const errors: string[] = [];
  const reader = listening.length === 0 ? undefined : new DeliveryReader(connection);
  const stop = new Map<number, () => void>();
  for (const number of CHANNELS) {
    const opened = channel(number);
    const take = (message: Delivered): void => {
      got.push(known(number, message));
      contents.push(message.content);
    };
    opened.on('ack', (fields) => got.push({ channel: number, ...(fields as object) }));
    opened.consumers.set(CONSUMER, (message) => {
      reader?.learn((message as Delivered).properties.headers);
      usual.push(known(number, message as Delivered));
      take(message as Delivered);
    });
    if (listening.includes(number)) stop.set(number, reader?.listen(number, take) as () => void);
  }
  connection.on('frameError', (error) => errors.push(error.message));
  connection.acceptLoop();
  return { connection, got, usual, contents, errors, stop, receive: async (bytes: Buffer) => (socket.push(bytes), await turn()) };
}

const shortText = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => Buffer.byteLength(text) < 256);
const properties = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Sent['properties']>(DEVICE, { ...DEVICE, deliveryMode: 1 }, { headers: {} }, {}, { priority: 4, messageId: 'abc' }) },
  fc.record(
    {
      contentType: shortText,
      contentEncoding: shortText,
      headers: fc.dictionary(fc.constantFrom('x-delivery-count', 'x-mqtt-dup', 'other'), fc.oneof(fc.integer(), fc.boolean(), shortText, fc.constant(null)), {
        maxKeys: 3,
      }),
      deliveryMode: fc.constantFrom(1, 2),
      messageId: shortText,
      priority: fc.integer({ min: 0, max: 9 }),
      correlationId: shortText,
      timestamp: fc.integer({ min: 0 }),
      appId: shortText,
    },
    { requiredKeys: [] },
  ),
);
const message: fc.Arbitrary<Sent> = fc.record({
  channel: fc.constantFrom(...CHANNELS),
  fields: fc.record({ redelivered: fc.boolean(), exchange: fc.oneof(fc.constant('amq.topic'), shortText), routingKey: shortText }),
  properties,
  content: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  cut: fc.constantFrom(7, 4088),
});
const step = fc.oneof({ weight: 6, arbitrary: message }, fc.constantFrom('heartbeat' as const, 'ack' as const));

describe('deliveries that are read before amqplib parses them', () => {
  it('are those that amqplib hands out, in the same order, wherever the stream is cut', async () => {
    let fast = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }), async (steps, cuts) => {
        const bytes = Buffer.concat(
          steps.flatMap((each, i) => {
            if (each === 'heartbeat') return [HEARTBEAT_BUF];
            if (each === 'ack') return [encodeMethod(BasicAck, 2, { deliveryTag: i, multiple: true })];
            return frames(each, i + 1);
          }),
        );
        const plain = bed([]);
        const quick = bed([1, 300]);
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const end = at + (cuts[i % cuts.length] as number);
          for (const { receive } of [plain, quick]) await receive(Buffer.from(bytes.subarray(at, end)));
          at = end;
        }
        expect(quick.got).toEqual(plain.got);
        expect([plain.errors, quick.errors]).toEqual([[], []]);
        fast += quick.got.length - quick.usual.length;
      }),
      { numRuns: 300 },
    );
    // Not vacuous.
    expect(fast).toBeGreaterThan(200);
  });

  it('are all but the first with each header table, where whole messages arrive', async () => {
    const { got, usual, receive } = bed([1]);
    const dup = { ...DEVICE, headers: { ...DEVICE.headers, 'x-mqtt-dup': true } };
    const all = [sent(), sent(), sent({ properties: dup }), sent({ properties: { ...dup, messageId: 'm-1' } }), sent({ content: Buffer.alloc(0) }), sent()];
    await receive(Buffer.concat(all.flatMap((each, i) => frames(each, i + 1))));
    expect(got).toHaveLength(6);
    expect(usual.map((each) => (each as { fields: { deliveryTag: number } }).fields.deliveryTag)).toEqual([1, 3]);
  });

  it('have contents of their own, which hold nothing else of what was read', async () => {
    const { contents, receive } = bed([1]);
    // One read of 300 kB, the first message of which amqplib hands out.
    await receive(Buffer.concat(Array.from({ length: 2000 }, (_, i) => frames(sent({ content: Buffer.from(`{"t":${i}}`) }), i + 1)).flat()));
    expect(contents.map(String)).toEqual(Array.from({ length: 2000 }, (_, i) => `{"t":${i}}`));
    expect(Math.max(...contents.slice(1).map(({ buffer }) => buffer.byteLength))).toBeLessThanOrEqual(Buffer.poolSize);
  });

  it('are read where they are larger than what is copied at a time, and do not hold on to what was read either', async () => {
    const { contents, usual, receive } = bed([1]);
    await receive(Buffer.concat(frames(sent(), 1)));
    const sizes = [10, 5000, 9000, 3000, 60_000, 8192, 10, 4000, 4000, 10];
    await receive(Buffer.concat(sizes.flatMap((size, i) => frames(sent({ content: Buffer.alloc(size, i), cut: 65_536 }), i + 2))));
    expect(usual).toHaveLength(1);
    expect(contents.slice(1)).toEqual(sizes.map((size, i) => Buffer.alloc(size, i)));
    for (const { buffer, length } of contents.slice(1)) expect(buffer.byteLength).toBeLessThanOrEqual(Math.max(length, Buffer.poolSize));
  });

  it("are amqplib's again when nobody listens any more", async () => {
    const { got, usual, stop, receive } = bed([1]);
    await receive(Buffer.concat([...frames(sent(), 1), ...frames(sent(), 2)]));
    expect(usual).toHaveLength(1);
    stop.get(1)?.();
    await receive(Buffer.concat(frames(sent(), 3)));
    expect([got.length, usual.length]).toEqual([3, 2]);
  });

  it('do not take the headers of another message for their own', async () => {
    const { connection, got, receive } = bed([1]);
    // amqplib drops what comes for a channel that it is closing: a table is asked for and never explained.
    const { accept } = connection;
    connection.accept = () => {};
    await receive(Buffer.concat(frames(sent(), 1)));
    connection.accept = accept;
    const late = sent({ properties: { headers: { 'sluice-received-at': 1_700_000_000_000 } }, cut: 3 });
    await receive(Buffer.concat([...frames(late, 2), ...frames(sent(), 3), ...frames(sent(), 4)]));
    expect(got.map((each) => (each as { properties: { headers: object } }).properties.headers)).toEqual([
      { 'sluice-received-at': 1_700_000_000_000 },
      { 'x-mqtt-publish-qos': 1, 'x-mqtt-dup': false },
      { 'x-mqtt-publish-qos': 1, 'x-mqtt-dup': false },
    ]);
  });

  it('leave what is broken to amqplib, which says so', async () => {
    for (const [spoil, error] of [
      [(bytes: Buffer) => bytes.writeUInt8(0, bytes.length - 1), /Invalid frame/],
      [(bytes: Buffer) => bytes.writeUInt32BE(70_000_000, 3), /exceeds maxFrameSize/],
    ] as const) {
      const { got, errors, receive } = bed([1]);
      await receive(Buffer.concat(frames(sent(), 1)));
      const broken = Buffer.concat(frames(sent(), 2));
      spoil(broken);
      await receive(broken);
      expect([got.length, errors.length]).toEqual([1, 1]);
      expect(errors[0]).toMatch(error);
    }
  });
});
