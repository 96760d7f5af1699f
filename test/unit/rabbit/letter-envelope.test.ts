import type { ConsumeMessage } from 'amqplib';
import { anything, assert, constantFrom, dictionary, property, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fault } from '../../../src/domain/fault.ts';
import { letterJson } from '../../../src/domain/letter-json.ts';
import type { DeadLetter } from '../../../src/pipeline/ports.ts';
import { deadLetterProperties } from '../../../src/rabbit/dead-letters.ts';
import { inboundMessage } from '../../../src/rabbit/intake.ts';
import { letterOfMessage, replayProperties } from '../../../src/rabbit/letter-envelope.ts';
import { letterOf, messageOf } from '../../support/batches.ts';

const RULES = { maxReplays: 3, whole: false };

function amqp(properties: object, fields: object = {}, content: Buffer = Buffer.from('x')): ConsumeMessage {
  return {
    content,
    properties,
    fields: { exchange: '', routingKey: 'sluice.ingest', redelivered: false, deliveryTag: 1, ...fields },
  } as unknown as ConsumeMessage;
}

/** Buried, read, replayed, and taken in. */
function through(letter: Partial<DeadLetter>, rules = RULES) {
  const full = letterOf(letter);
  const buried = letterOfMessage(amqp({ ...deadLetterProperties(full), messageId: full.id }, { exchange: 'sluice.dead' }, full.message.body));
  return { buried, again: inboundMessage(amqp(replayProperties(buried, rules), {}, full.message.body), 99) };
}

describe('the envelope of a dead letter', () => {
  it('gives back the message that it was, whatever its topic', () => {
    const topics = string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll(/[/+*.\p{Cs}]/gu, ''));
    assert(
      property(
        topics,
        uint8Array(),
        constantFrom(0 as const, 1 as const, undefined),
        constantFrom('text/plain', undefined),
        (level, body, qos, contentType) => {
          const message = messageOf({ topic: `a/${level}`, routingKey: `a.${level}`, body: Buffer.from(body), qos, contentType, contentEncoding: 'gzip' });
          const { again } = through({ message });
          expect({ ...again, replay: undefined, late: undefined }).toEqual({ ...message, replay: undefined, late: undefined });
        },
      ),
    );
  });

  it('keeps the first name and the first failure through any number of lives', () => {
    let letter: Partial<DeadLetter> = { id: 'd1', firstFailedAt: 5, message: messageOf() };
    for (let life = 1; life <= 3; life += 1) {
      const { again } = through(letter);
      expect(again.replay).toMatchObject({ of: 'd1', count: life, firstFailedAt: 5 });
      letter = { id: `d${life + 1}`, message: again, firstFailedAt: again.replay?.firstFailedAt ?? 0 };
    }
  });

  it('names the part that had failed, also when its replay fails at another place', () => {
    const reading = { id: 'm-1', device: 'd' } as DeadLetter['reading'];
    const first = through({ fault: fault('HELD_TOO_LONG', 'x'), reading, readings: 3, route: 'b' });
    expect(first.again.replay).toMatchObject({ scope: 'route', route: 'b', readingId: 'm-1', readings: 3 });
    const second = through({ message: first.again, fault: fault('DECODE_INVALID', 'x') });
    expect(second.again.replay).toMatchObject({ scope: 'route', route: 'b', readingId: 'm-1', readings: 3, count: 2 });
    const other = through({ message: first.again, fault: fault('ROUTE_INVALID', 'x'), reading, readings: 3, route: 'a' });
    expect(other.again.replay).toMatchObject({ scope: 'route', route: 'b' });
    expect(through({ message: first.again }, { ...RULES, whole: true }).again.replay).toMatchObject({
      scope: 'message',
      route: undefined,
      readings: undefined,
    });
  });

  it('survives a time that no calendar has', () => {
    const death = {
      reason: 'expired',
      queue: 'q',
      count: 1,
      exchange: 'amq.topic',
      'routing-keys': ['a.b'],
      time: { '!': 'timestamp', value: Number.MAX_SAFE_INTEGER },
    };
    for (const message of [amqp({ headers: { 'x-death': [death] } }), amqp({ timestamp: Number.MAX_SAFE_INTEGER, headers: {} })]) {
      const letter = letterOfMessage(message);
      expect(letter.buriedAt).toBeUndefined();
      expect(() => [letterJson(letter), replayProperties(letter, RULES)]).not.toThrow();
    }
  });

  it('reads letters of before there was a scope', () => {
    const old = (headers: object) =>
      letterOfMessage(amqp({ type: 'sluice.dead-letter.v1', messageId: 'o', headers: { 'x-sluice-code': 'X', ...headers } })).scope;
    expect(old({})).toBe('message');
    expect(old({ 'x-sluice-reading-id': 'r-0', 'x-sluice-stage': 'route' })).toBe('reading');
    expect(old({ 'x-sluice-reading-id': 'r-0', 'x-sluice-stage': 'publish' })).toBe('route');
  });

  it('knows a stranger, and throws at nothing that somebody puts into the headers', () => {
    expect(letterOfMessage(amqp({ headers: undefined }))).toMatchObject({ origin: 'stranger', code: 'UNKNOWN' });
    const names = [
      'x-death',
      'x-sluice-code',
      'x-sluice-routing-key',
      'x-sluice-routing-key-b64',
      'x-sluice-replays',
      'x-sluice-scope',
      'x-sluice-received-at',
      'x-sluice-replay-of',
    ];
    assert(
      property(dictionary(constantFrom(...names), anything()), constantFrom('sluice.dead-letter.v1', undefined), (headers, type) => {
        const letter = letterOfMessage(amqp({ type, headers }));
        expect([letter.replays, letter.attempts].every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
        expect(() => JSON.stringify(letterJson(letter))).not.toThrow();
        replayProperties(letter, RULES);
        inboundMessage(amqp({ headers }), 1);
      }),
    );
  });
});

describe('what claims to be a replay', () => {
  const headers = {
    'x-sluice-replay-of': 'd1',
    'x-sluice-routing-key': 'devices.south.m9.telemetry',
    'x-sluice-received-at': '2020-01-01T00:00:00Z',
    'x-sluice-scope': 'message',
  };

  it('is believed only of the default exchange, where no device can publish', () => {
    const device = inboundMessage(amqp({ headers }, { exchange: 'amq.topic', routingKey: 'devices.north.m1.telemetry' }), 7);
    expect(device).toMatchObject({ topic: 'devices/north/m1/telemetry', receivedAt: 7, replay: undefined });
    expect(inboundMessage(amqp({ headers }), 7)).toMatchObject({ topic: 'devices/south/m9/telemetry', receivedAt: Date.parse('2020-01-01T00:00:00Z') });
  });

  it('needs to say of what', () => {
    const { 'x-sluice-replay-of': _, ...rest } = headers;
    expect(inboundMessage(amqp({ headers: rest }), 7)).toMatchObject({ topic: 'sluice/ingest', receivedAt: 7, replay: undefined });
  });
});
