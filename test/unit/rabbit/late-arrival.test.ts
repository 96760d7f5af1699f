import type { ConsumeMessage } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { inboundMessage } from '../../../src/rabbit/intake.ts';
import { message, normaliser, NOW, readings } from '../pipeline/normalise-support.ts';

function arrived(receivedAt: unknown): ConsumeMessage {
  return {
    content: Buffer.from('{"t":1}'),
    fields: { exchange: 'amq.topic', routingKey: 'd.1', redelivered: false, deliveryTag: 1, consumerTag: 'c' },
    properties: { headers: { 'sluice-received-at': receivedAt } },
  } as unknown as ConsumeMessage;
}

describe('a message that an edge kept', () => {
  it('was received when the edge received it', () => {
    expect(inboundMessage(arrived(NOW - 60_000), NOW)).toMatchObject({ receivedAt: NOW - 60_000, late: true });
  });

  it.each([[NOW + 1], [0], [-5], ['2025-01-01'], [Number.NaN], [undefined], [{ a: 1 }]])('is as any other where the header says %o', (header) => {
    expect(inboundMessage(arrived(header), NOW)).toMatchObject({ receivedAt: NOW, late: false });
  });

  it('makes readings that are flagged late and, without a time of the device, measured when the edge got them', () => {
    const made = readings(normaliser({}).normalise(message('{"t":1}', { receivedAt: NOW - 60_000, late: true })));
    expect(made).toMatchObject([{ measuredAt: NOW - 60_000, receivedAt: NOW - 60_000 }]);
    expect(made[0]?.flags).toContain('late');
    expect(readings(normaliser({}).normalise(message('{"t":1}')))[0]?.flags).not.toContain('late');
  });
});
