import type { InboundMessage } from '../../../src/domain/message.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import type { PublishAction, RouteSpec } from '../../../src/domain/route.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import type { Destination, Item } from '../../../src/pipeline/ports.ts';

export function message(topic = 'd/1', body = '{}'): InboundMessage {
  return {
    topic,
    routingKey: topic.replaceAll('/', '.'),
    body: Buffer.from(body),
    receivedAt: 1_700_000_000_000,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: false,
    deliveryCount: 0,
    qos: 1,
  };
}

export function reading(values: Record<string, number | bigint | boolean | string> = { t: 1 }, rest: Partial<Reading> = {}): Reading {
  return {
    id: 'r1',
    device: 'dev',
    profile: 'p',
    topic: 'd/1',
    measuredAt: 1,
    receivedAt: 2,
    values: Object.assign(Object.create(null) as Record<string, never>, values),
    units: undefined,
    tags: undefined,
    flags: undefined,
    ...rest,
  };
}

export function publishTo(exchange: string, rest: Partial<PublishAction> = {}): PublishAction {
  return {
    kind: 'publish',
    exchange,
    routingKey: 'k',
    headers: undefined,
    batch: { count: 3, bytes: 1000, ageMs: 100 },
    encoding: 'json',
    gzip: false,
    priority: undefined,
    ttlMs: undefined,
    delivery: 'confirmed',
    overflow: 'hold',
    laneReadings: 10,
    buryAfterMs: undefined,
    ...rest,
  };
}

export function rule(name: string, action: RouteSpec['action'], rest: Partial<RouteSpec> = {}): RouteSpec {
  return { name, profiles: undefined, topics: undefined, when: undefined, continue: false, ...rest, action };
}

export function destination(rest: Partial<PublishAction> = {}, key = 'k'): Destination {
  const action = publishTo('x', rest);
  return { key, route: 'r', action, exchange: 'x', routingKey: key, headers: undefined, final: true };
}

/** A delivery that notes how it ended. */
export function delivery(parts = 1, outcomes: string[] = []): PendingDelivery {
  const owner: DeliveryOwner = { onSettled: (_, outcome) => outcomes.push(outcome), onLate: (_, outcome) => outcomes.push(`late ${outcome}`) };
  const made = new PendingDelivery(message(), 1, owner);
  made.split(parts);
  return made;
}

export function item(rest: Partial<Item> = {}): Item {
  return { delivery: delivery(), device: 'dev', ageMs: 1, bytes: 7, dedupeKey: undefined, ...rest };
}
