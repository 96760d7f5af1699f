import type { Options } from 'amqplib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pluginDeliveryMode, PluginTables } from '../../../../src/rabbit/plugin-properties.ts';
import { PublishWriter } from '../../../../src/rabbit/wire/publish-writer.ts';
import { definitions, openConnection, turn } from './amqplib-parts.ts';

const EMPTY_TABLE = Buffer.alloc(4);

function bed(frameMax = 4096) {
  const { connection, socket, channel } = openConnection();
  connection.frameMax = frameMax;
  const opened = channel(7);
  return { connection, socket, channel: opened, writer: new PublishWriter(connection, opened) };
}

function message(over: Partial<Parameters<PublishWriter['publish']>[0]> = {}) {
  return {
    exchange: 'amq.topic',
    routingKey: 'd.m1',
    mandatory: true,
    headers: EMPTY_TABLE,
    deliveryMode: 2 as const,
    messageId: 'e1',
    content: Buffer.from('{}'),
    ...over,
  };
}

const ignore = (): void => {};
const shortText = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => Buffer.byteLength(text) < 256);

describe('messages that are published past the encoding of amqplib', () => {
  it('are byte for byte what amqplib would write, with the headers of the MQTT plugin', async () => {
    const shape = fc.record({
      exchange: shortText,
      routingKey: shortText,
      messageId: shortText,
      mandatory: fc.boolean(),
      content: fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 4000, maxLength: 9000, size: 'max' })).map((bytes) => Buffer.from(bytes)),
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      dup: fc.boolean(),
      receivedAt: fc.integer({ min: 2 ** 31, max: 2 ** 45 }),
      late: fc.boolean(),
      writes: fc.record({ qos: fc.boolean(), dup: fc.boolean() }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { maxLength: 5 }), async (all) => {
        const usual = bed();
        const quick = bed();
        for (const { exchange, routingKey, messageId, mandatory, content, qos, dup, receivedAt, late, writes } of all) {
          const headers = {
            ...(writes.qos ? { 'x-mqtt-publish-qos': { '!': 'byte', value: Math.min(qos, 1) } } : {}),
            ...(writes.dup ? { 'x-mqtt-dup': dup } : {}),
            ...(late ? { 'sluice-received-at': receivedAt } : {}),
          };
          const deliveryMode = qos === 0 ? 1 : 2;
          usual.channel.publish(exchange, routingKey, content, { headers, deliveryMode, messageId, mandatory });
          const table = new PluginTables(writes).of({ qos, dup, receivedAt }, late);
          quick.writer.publish({ exchange, routingKey, mandatory, headers: table, deliveryMode: pluginDeliveryMode({ qos }), messageId, content }, ignore);
        }
        await turn();
        expect(Buffer.concat(quick.socket.written).equals(Buffer.concat(usual.socket.written))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('are byte for byte what amqplib would write, with all properties that the gateway gives a message', async () => {
    const header = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.constantFrom(0, -1, 127, 128, -128, -129, 32_767, 32_768, -32_768, -32_769, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1),
      fc.integer({ min: -(2 ** 49), max: 2 ** 49 }),
    );
    const properties = fc.record(
      {
        contentType: shortText,
        contentEncoding: shortText,
        headers: fc.dictionary(
          shortText.filter((name) => name !== '__proto__'),
          header,
          { maxKeys: 8 },
        ),
        priority: fc.nat({ max: 255 }),
        expiration: fc.nat().map(String),
        timestamp: fc.nat({ max: 2 ** 40 }),
        type: shortText,
        appId: shortText,
      },
      { requiredKeys: ['headers'] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(properties, { maxLength: 5 }), async (all) => {
        const usual = bed(131_072);
        const quick = bed(131_072);
        for (const given of all) {
          const { exchange, routingKey, content, ...rest } = { ...message(), ...given };
          usual.channel.publish(exchange, routingKey, Buffer.from(content), rest as Options.Publish);
          quick.writer.publish(message(given), ignore);
        }
        await turn();
        expect(Buffer.concat(quick.socket.written).equals(Buffer.concat(usual.socket.written))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused with headers beyond a frame, and with numbers that are not whole', async () => {
    const { socket, writer } = bed(4096);
    expect(() => writer.publish(message({ headers: { large: 'x'.repeat(5000) } }), ignore)).toThrow(/a frame has room for 4088/);
    expect(() => writer.publish(message({ headers: { half: 0.5 } }), ignore)).toThrow(/header 'half': 0\.5 is not a whole number/);
    expect(() => writer.publish(message({ headers: { ['ü'.repeat(128)]: 1 } }), ignore)).toThrow(/256 bytes: AMQP takes 255/);
    writer.publish(message({ headers: { fits: 'x'.repeat(4000) } }), ignore);
    await turn();
    expect(Buffer.concat(socket.written).toString('latin1').match(/d\.m1/g)).toHaveLength(1);
  });

  it('leave in one piece at the end of the turn, and at once where it is full', async () => {
    const { socket, writer } = bed(131_072);
    for (let i = 0; i < 100; i += 1) writer.publish(message(), ignore);
    expect(socket.written).toHaveLength(0);
    await turn();
    expect(socket.written).toHaveLength(1);
    writer.publish(message({ content: Buffer.alloc(40_000) }), ignore);
    writer.publish(message({ content: Buffer.alloc(40_000) }), ignore);
    expect(socket.written).toHaveLength(2);
    await turn();
    expect(socket.written).toHaveLength(3);
  });

  it('are never written over while they are on their way', async () => {
    const { socket, writer } = bed();
    writer.publish(message({ content: Buffer.from('first') }), ignore);
    await turn();
    const first = Buffer.from(socket.written[0] as Buffer);
    for (let i = 0; i < 2000; i += 1) writer.publish(message({ content: Buffer.from('later') }), ignore);
    await turn();
    expect(first.equals(socket.written[0] as Buffer)).toBe(true);
  });

  it('are confirmed by amqplib, each in its turn', () => {
    const { channel, writer } = bed();
    const heard: string[] = [];
    for (const id of ['a', 'b', 'c']) writer.publish(message({ messageId: id }), (error) => heard.push(`${id} ${error === null}`));
    channel.accept({ id: definitions.BasicAck, channel: 7, fields: { deliveryTag: 2, multiple: true } });
    expect(heard).toEqual(['a true', 'b true']);
    channel.emit('close');
    expect(heard).toEqual(['a true', 'b true', 'c false']);
  });

  it('are refused where AMQP has no room for a text, and nothing of them leaves', async () => {
    const { socket, writer } = bed();
    writer.publish(message({ messageId: 'good' }), ignore);
    expect(() => writer.publish(message({ routingKey: 'ü'.repeat(128) }), ignore)).toThrow(/256 bytes: AMQP takes 255/);
    expect(() => writer.publish(message({ messageId: 'x'.repeat(256) }), ignore)).toThrow(RangeError);
    writer.publish(message({ messageId: 'y'.repeat(255) }), ignore);
    await turn();
    const text = Buffer.concat(socket.written).toString('latin1');
    expect([text.match(/d\.m1/g)?.length, text.includes('good'), text.includes('y'.repeat(255)), text.includes('xx')]).toEqual([2, true, true, false]);
  });

  it('go nowhere on a connection that has ended', async () => {
    const { socket, writer } = bed();
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    writer.publish(message(), ignore);
    socket.end();
    await turn();
    expect([socket.written, errors]).toEqual([[], []]);
  });
});
