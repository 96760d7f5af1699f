import { describe, expect, it } from 'vitest';
import { inequivalent } from '../../../src/rabbit/learn-queue.ts';
import { brokerFacts } from '../../../src/rabbit/probe.ts';
import { queueWarnings } from '../../../src/rabbit/queue-warnings.ts';
import { type AmqpArguments, buildTopology, type IngestOptions } from '../../../src/rabbit/topology.ts';

describe('version of the broker', () => {
  it.each([
    ['3.9.29', /older than 3\.10/],
    ['next', /cannot be read/],
  ])('warns of %s', (version, warning) => {
    expect(brokerFacts('RabbitMQ', version, undefined).warnings.join('\n')).toMatch(warning);
  });

  it.each([
    ['3.10.8', /MQTT 3\.1\.1 only/],
    ['3.12.14', /MQTT 3\.1\.1 only/],
    ['4.0.0', /x-delivery-limit/],
    ['4.2.9', /x-delivery-limit/],
  ])('notes what is different in %s', (version, note) => {
    const { notes, warnings } = brokerFacts('RabbitMQ', version, undefined);
    expect(notes.slice(1).join('\n')).toMatch(note);
    expect(warnings).toEqual([]);
  });

  it.each(['3.13.7', '4.3.5', '5.0.0'])('has nothing to say about %s', (version) => {
    expect(brokerFacts('RabbitMQ', version, 'c')).toMatchObject({ notes: [`RabbitMQ ${version}, cluster c`], warnings: [] });
  });

  it('warns of another broker', () => {
    expect(brokerFacts('LavinMQ', '2.0.0', undefined).warnings.join()).toMatch(/not RabbitMQ/);
  });
});

function ingest(options: Partial<IngestOptions> = {}): AmqpArguments {
  const topology = buildTopology({ ingest: { queue: 'q', topics: ['#'], ...options }, deadLetters: { exchange: 'd', queue: 'd' }, exchanges: [], queues: [] });
  return topology.queues.find(({ name }) => name === 'q')?.arguments ?? {};
}

const GOOD = ingest();
const warn = (args: AmqpArguments, policy: AmqpArguments = {}, major = 3, durable: boolean | undefined = true): string[] =>
  queueWarnings({ name: 'q', arguments: args, policy, durable }, major);
const without = (...keys: string[]): AmqpArguments => Object.fromEntries(Object.entries(GOOD).filter(([key]) => !keys.includes(key)));

describe('what about the ingest queue can lose data', () => {
  it('is nothing, as the gateway declares it', () => {
    expect(warn(GOOD)).toEqual([]);
    expect(warn(ingest({ maxLength: 1000 }))).toEqual([]);
    expect(warn(GOOD, {}, 4)).toEqual([]);
  });

  it.each<readonly [string, readonly string[], RegExp]>([
    ['not durable', warn(GOOD, {}, 3, false), /not durable/],
    ['classic', warn(ingest({ type: 'classic' })), /classic: messages with QoS 0 are lost/],
    ['no delivery limit', warn(without('x-delivery-limit')), /comes back for ever/],
    ['no delivery limit on RabbitMQ 4', warn(without('x-delivery-limit'), {}, 4), /RabbitMQ 4 gives a message up after 20/],
    ['a low delivery limit', warn({ ...GOOD, 'x-delivery-limit': 3 }), /x-delivery-limit of 3/],
    ['no dead-letter exchange', warn(without('x-dead-letter-exchange')), /no x-dead-letter-exchange/],
    ["dead letters with the device's key", warn(without('x-dead-letter-routing-key')), /kills the reader of the dead letters/],
    ['dead letters at most once', warn(without('x-dead-letter-strategy')), /at most once/],
    ['drop-head', warn({ ...GOOD, 'x-max-length': 5, 'x-overflow': 'drop-head' }), /pushes out its oldest/],
    ['drop-head without saying so', warn({ ...without('x-overflow'), 'x-max-length-bytes': 5 }), /pushes out its oldest/],
    ['a message TTL', warn({ ...GOOD, 'x-message-ttl': 5000 }), /waits longer than 5000 ms/],
    ['a message TTL by policy', warn(GOOD, { 'message-ttl': 5000 }), /waits longer than 5000 ms/],
    ['a queue that expires by policy', warn(GOOD, { expires: 60_000 }), /deletes itself after 60000 ms/],
    ['several consumers', warn(without('x-single-active-consumer')), /lose their order/],
  ])('%s', (_, warnings, pattern) => {
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(pattern);
  });

  it('is not what a policy mends', () => {
    expect(warn(without('x-delivery-limit', 'x-dead-letter-exchange'), { 'delivery-limit': 50, 'dead-letter-exchange': 'd' })).toEqual([]);
  });
});

describe('what a refused declaration tells', () => {
  const refusal = (rest: string): string =>
    `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg ${rest}"`;

  it.each([
    ["'x-overflow' for queue 'a' in vhost '/': received none but current is the value 'reject-publish' of type 'longstr'", 'x-overflow', 'reject-publish'],
    ["'x-delivery-limit' for queue 'a' in vhost '/': received none but current is the value '7' of type 'signedint'", 'x-delivery-limit', 7],
    ["'x-single-active-consumer' for queue 'a' in vhost '/': received none but current is the value 'true' of type 'bool'", 'x-single-active-consumer', true],
    [
      "'x-dead-letter-exchange' for queue 'a' in vhost '/': received the value 'foo' of type 'longstr' but current is none",
      'x-dead-letter-exchange',
      undefined,
    ],
    ["'x-overflow' for queue 'a' in vhost '/': received 'drop-head' but current is 'reject-publish'", 'x-overflow', 'reject-publish'],
    ["'durable' for queue 'a' in vhost '/': received 'false' but current is 'true'", 'durable', true],
    [
      "'x-dead-letter-routing-key' for queue 'a' in vhost '/': received none but current is the value '12' of type 'longstr'",
      'x-dead-letter-routing-key',
      '12',
    ],
  ])('%s', (rest, name, value) => {
    expect(inequivalent(refusal(rest))).toEqual({ name, value });
  });

  it('is nothing where it is refused for another reason', () => {
    expect(inequivalent('Operation failed: QueueDeclare; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED"')).toBeUndefined();
  });
});
