import { describe, expect, it } from 'vitest';
import { definitionsJson, localUsers, passwordHash } from '../../../src/rabbit/definitions.ts';
import { buildTopology, type TopologyOptions } from '../../../src/rabbit/topology.ts';

const options: TopologyOptions = {
  ingest: { queue: 'sluice.ingest', topics: ['#', 'devices/+/x'] },
  deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead' },
  exchanges: [{ name: 'plant.readings', type: 'topic' }],
  queues: [{ name: 'q', type: 'classic', maxPriority: 9, bindings: [{ exchange: 'plant.readings', routingKey: '#' }] }],
};
const ingestOf = (ingest: Partial<TopologyOptions['ingest']>) =>
  buildTopology({ ...options, ingest: { ...options.ingest, ...ingest } }).queues.find((q) => q.name === 'sluice.ingest');

describe('the topology table', () => {
  it('makes an ingest queue that loses nothing and keeps the order', () => {
    expect(ingestOf({})).toEqual({
      name: 'sluice.ingest',
      durable: true,
      declare: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-dead-letter-exchange': 'sluice.dead',
        'x-dead-letter-routing-key': 'ingest.poison',
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
        'x-delivery-limit': 100,
        'x-single-active-consumer': true,
      },
    });
  });

  it('leaves out what a classic queue does not know, and at-least-once without reject-publish', () => {
    expect(ingestOf({ type: 'classic' })?.arguments).not.toHaveProperty('x-delivery-limit');
    expect(ingestOf({ type: 'classic' })?.arguments).not.toHaveProperty('x-dead-letter-strategy');
    expect(ingestOf({ overflow: 'drop-head' })?.arguments).not.toHaveProperty('x-dead-letter-strategy');
    expect(ingestOf({ singleActiveConsumer: false })?.arguments).not.toHaveProperty('x-single-active-consumer');
  });

  it('binds MQTT filters as AMQP keys, and nothing to a queue that is not ours', () => {
    expect(
      buildTopology(options)
        .bindings.filter((b) => b.queue === 'sluice.ingest')
        .map((b) => [b.source, b.routingKey]),
    ).toEqual([
      ['amq.topic', '#'],
      ['amq.topic', 'devices.*.x'],
    ]);
    expect(buildTopology({ ...options, ingest: { ...options.ingest, declare: false } }).bindings.filter((b) => b.queue === 'sluice.ingest')).toEqual([]);
    expect(ingestOf({ declare: false })?.declare).toBe(false);
  });

  it('lets no quorum queue drop what was redelivered often, save the ingest queue, which has dead letters', () => {
    const { queues } = buildTopology({ ...options, queues: [{ name: 'q', type: 'quorum', bindings: [] }] });
    for (const queue of queues.filter((q) => q.name !== 'sluice.ingest')) expect(queue.arguments['x-delivery-limit']).toBe(1_000_000);
  });

  it('lets no queue lose its oldest messages unless asked', () => {
    for (const queue of buildTopology(options).queues.filter((q) => q.name !== 'sluice.dead')) expect(queue.arguments['x-overflow']).toBe('reject-publish');
  });
});

describe('definitions', () => {
  const accounts = { gateway: { name: 'gateway', password: 'g' }, consumer: { name: 'consumer', password: 'c' } };

  it("hashes as RabbitMQ's documentation does", () => {
    // The example of the "Credentials and Passwords" guide.
    expect(passwordHash('test12', Buffer.from('908DC60A', 'hex'))).toBe('kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR');
    expect(() => passwordHash('x', Buffer.alloc(3))).toThrow(RangeError);
  });

  it('holds no password', () => {
    const users = localUsers(buildTopology(options), { ...accounts, gateway: { name: 'gateway', password: 'very-secret' }, devices: [] });
    expect(definitionsJson(buildTopology(options), users)).not.toContain('very-secret');
  });

  it.each(['.*', 'x|.*', 'a.b', 's[12]', '', 'a b', 'é', 'x'.repeat(65), 'a\n'])(
    'refuses the device account %j, which would go into a regular expression',
    (name) => {
      expect(() => localUsers(buildTopology(options), { ...accounts, devices: [{ name, password: 'p' }] })).toThrow(/device account/);
    },
  );

  it('gives the gateway names outside sluice. one by one, with their dots as dots', () => {
    const [gateway] = localUsers(buildTopology(options), { ...accounts, devices: [] });
    expect(gateway?.configure).toBe('^(sluice\\..*|plant\\.readings|q)$');
    expect(gateway?.read).toBe('^(sluice\\..*|plant\\.readings|q|amq\\.topic)$');
    expect(new RegExp(gateway?.write ?? '').test('plantxreadings')).toBe(false);
    expect(new RegExp(gateway?.write ?? '').test('amq.topic')).toBe(false);
  });

  it('lets the gateway publish to the exchange of the devices only where a codec sends commands', () => {
    const write = (topology: TopologyOptions): string => localUsers(buildTopology(topology), { ...accounts, devices: [] })[0]?.write ?? '';
    expect(new RegExp(write(options)).test('amq.topic')).toBe(false);
    expect(new RegExp(write({ ...options, commands: true })).test('amq.topic')).toBe(true);
    expect(new RegExp(write({ ...options, commands: true, ingest: { ...options.ingest, exchange: 'plant' } })).test('amq.topic')).toBe(false);
  });
});
