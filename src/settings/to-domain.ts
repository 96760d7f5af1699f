import { LOCAL_BROKER, splitUrls } from '../domain/broker-url.ts';
import type { ProfileSpec } from '../domain/profile.ts';
import type { RouteSpec } from '../domain/route.ts';
import type { ValueRulesSpec } from '../domain/value-rules.ts';
import type { RawProfile, RawRoute, RawSettings, Settings } from './schema.ts';
import { type Layouts, layoutNames } from './payload-layouts.ts';
import type { UnitConverter } from './units.ts';

export function toSettings(raw: RawSettings, profiles: readonly RawProfile[], units?: UnitConverter, layouts?: Layouts): Settings {
  const { url, urls, management, ...rabbitmq } = raw.rabbitmq;
  return {
    gateway: raw.gateway,
    rabbitmq: { ...rabbitmq, ...(management === undefined || management === '' ? {} : { management }), urls: urls ?? splitUrls(url ?? LOCAL_BROKER) },
    source: raw.source,
    limits: raw.limits,
    dedupe: raw.dedupe,
    profiles: profiles.map((profile) => toProfile(profile, units, layouts)),
    exchanges: raw.exchanges,
    queues: raw.queues,
    routes: raw.routes.map(toRoute),
    deadLetters: raw.deadLetters,
    devices: raw.devices,
    edge: raw.edge,
    retry: raw.retry,
    http: toHttp(raw.http),
    log: raw.log,
  };
}

/** An empty token is none: `${NAME:-}`. */
function toHttp(raw: RawSettings['http']): RawSettings['http'] {
  const { token, ...http } = raw;
  return token === '' ? http : raw;
}

/** Without a converter (or where it refuses) a conversion changes nothing, without layouts none is named: good enough to look for problems. */
export function toProfile(raw: RawProfile, units?: UnitConverter, layouts?: Layouts): ProfileSpec {
  const { time } = raw;
  const values = toValues(raw.values);
  return {
    name: raw.name,
    topics: raw.topics,
    ignore: raw.ignore,
    ignoreWhen: raw.ignoreWhen,
    codec: raw.codec,
    codecOptions: raw.codecOptions,
    encodings: raw.encodings,
    device: raw.device,
    deviceElse: raw.deviceElse,
    deviceCheck: raw.deviceCheck,
    each: raw.each,
    time:
      time === undefined
        ? undefined
        : { from: time.from, unit: time.unit, zone: time.zone, futureMs: Math.round(time.futureSeconds * 1000), lateMs: Math.round(time.lateSeconds * 1000) },
    sequence: raw.sequence,
    ...values,
    exclude: raw.exclude,
    scalar: raw.scalar,
    ...toRules(raw, units),
    units: raw.units,
    unitsFrom: raw.unitsFrom,
    unitNames: raw.unitNames,
    tags: raw.tags,
    tagsFrom: raw.tagsFrom,
    flagsFrom: raw.flagsFrom,
    devices: raw.devices === undefined ? undefined : Object.fromEntries(Object.entries(raw.devices).map(([name, rules]) => [name, toRules(rules, units)])),
    payloadAt: raw.payloadAt,
    payload: toPayload(raw, layouts),
    types: raw.types,
  };
}

/** The name of a layout alone is for every device. */
function toPayload(raw: RawProfile, layouts: Layouts | undefined): ProfileSpec['payload'] {
  if (raw.payload === undefined || layouts === undefined) return undefined;
  const entries = layoutNames(raw).flatMap(({ at, name }) => {
    const layout = layouts.get(name);
    return layout === undefined ? [] : [[String(at[1] ?? '**'), layout] as const];
  });
  return Object.fromEntries(entries);
}

/** Name/value pairs are told by their keys: exactly `each`, `name`, `value`, and perhaps `unit`. */
function toValues(values: RawProfile['values']): Pick<ProfileSpec, 'values' | 'pairs'> {
  if (typeof values === 'string' || Array.isArray(values)) return { values };
  const { each, name, value, unit, ...others } = values as Readonly<Record<string, string>>;
  if (each === undefined || name === undefined || value === undefined || Object.keys(others).length > 0) return { values };
  return { values: '$', pairs: { each, name, value, unit } };
}

type RawRules = Pick<RawProfile, 'units' | 'rename' | 'map' | 'missing' | 'textNumbers' | 'sentinels' | 'ranges' | 'convert'>;

function toRules(raw: RawRules, units: UnitConverter | undefined): ValueRulesSpec {
  const { rename, map, missing, textNumbers, sentinels, ranges, convert } = raw;
  const converted = Object.entries(convert ?? {}).map(([name, { from, to }]) => {
    const result = units?.(from, to);
    return [name, result?.ok === true ? result.value : { from, to, factor: 1, offset: 0 }] as const;
  });
  return { units: raw.units, rename, map, missing, textNumbers, sentinels, ranges, convert: convert === undefined ? undefined : Object.fromEntries(converted) };
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
