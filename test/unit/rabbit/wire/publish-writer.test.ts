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
  it('are byte for byte what amqplib would write, headers of the MQTT plugin included', async () => {
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
