import type { ProfileSpec } from '../domain/profile.ts';
import type { RouteSpec } from '../domain/route.ts';
import type { RawProfile, RawRoute, RawSettings, Settings } from './schema.ts';

/** amqplib takes user and password `guest` where a URL names none; RabbitMQ lets that user in from loopback only. */
export const DEFAULT_URL = 'amqp://localhost:5672';

export function toSettings(raw: RawSettings, profiles: readonly RawProfile[]): Settings {
  const { url, urls, ...rabbitmq } = raw.rabbitmq;
  return {
    gateway: raw.gateway,
    rabbitmq: { ...rabbitmq, urls: urls ?? [url ?? DEFAULT_URL] },
    source: raw.source,
    limits: raw.limits,
    dedupe: raw.dedupe,
    profiles: profiles.map(toProfile),
    exchanges: raw.exchanges,
    queues: raw.queues,
    routes: raw.routes.map(toRoute),
    deadLetters: raw.deadLetters,
    retry: raw.retry,
    http: raw.http,
    log: raw.log,
  };
}

export function toProfile(raw: RawProfile): ProfileSpec {
  const { time } = raw;
  return {
    name: raw.name,
    topics: raw.topics,
    codec: raw.codec,
    device: raw.device,
    deviceCheck: raw.deviceCheck,
    each: raw.each,
    time:
      time === undefined
        ? undefined
        : { from: time.from, unit: time.unit, zone: time.zone, futureMs: Math.round(time.futureSeconds * 1000), lateMs: Math.round(time.lateSeconds * 1000) },
    sequence: raw.sequence,
    values: raw.values,
    exclude: raw.exclude,
    scalar: raw.scalar,
    units: raw.units,
    tags: raw.tags,
  };
}

export function toRoute(raw: RawRoute): RouteSpec {
  const rule = { name: raw.name, profiles: raw.profiles, topics: raw.topics, when: raw.when, continue: raw.continue };
  if (raw.drop) return { ...rule, action: { kind: 'drop' } };
  return {
    ...rule,
    action: {
      kind: 'publish',
      // The lint refuses a rule that neither drops nor names an exchange, before anything is made from it.
      exchange: raw.exchange ?? '',
      routingKey: raw.routingKey,
      headers: raw.headers,
      batch: { count: raw.batch.count, bytes: raw.batch.bytes, ageMs: raw.batch.count === 1 ? 0 : raw.batch.ageMs },
      encoding: raw.encoding,
      gzip: raw.gzip,
      priority: raw.priority,
      ttlMs: raw.ttlMs,
      delivery: raw.delivery,
      overflow: raw.overflow,
      laneReadings: raw.laneReadings,
      buryAfterMs: raw.buryAfterSeconds === undefined ? undefined : Math.round(raw.buryAfterSeconds * 1000),
    },
  };
}
