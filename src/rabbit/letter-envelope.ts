import { createHash } from 'node:crypto';
import type { ConsumeMessage } from 'amqplib';
import { type Letter, replayOf, type ReplayRules } from '../domain/letter.ts';
import { type EpochMs, type LetterScope, type Replay, topicFromRoutingKey } from '../domain/message.ts';
import { routingKeyHeaders } from './dead-letters.ts';
import type { ContentProperties } from './wire/publish.ts';

type Headers = Readonly<Record<string, unknown>>;

/** How letters that nobody named get a name: 96 bits of SHA-256. */
const ID_CHARACTERS = 16;
/** The gateway's own texts have at most 1024 bytes each, or 1368 in base64. */
const MOST_CHARACTERS = 4096;

/** A message of the dead-letter queue, whoever put it there. Never throws: anybody with the right may publish there. */
export function letterOfMessage(message: ConsumeMessage): Letter {
  const headers: Headers = message.properties.headers ?? {};
  const { type, messageId, contentType, contentEncoding } = message.properties as unknown as Headers;
  const death = deathOf(headers);
  const ours = type === 'sluice.dead-letter.v1' && text(headers['x-sluice-code']) !== undefined;
  const properties = {
    contentType: text(contentType),
    contentEncoding: text(contentEncoding),
    size: message.content.length,
    replays: whole(headers['x-sluice-replays']) ?? 0,
    ...history(headers),
  };
  if (ours) return { ...fromGateway(headers, text(messageId) ?? contentId(message, ''), message.properties.timestamp), ...properties };
  if (death !== undefined) return { ...fromBroker(headers, death, message), ...properties };
  const id = text(messageId) ?? contentId(message, message.fields.routingKey);
  const { routingKey } = message.fields;
  const what = { code: 'UNKNOWN', stage: 'receive', message: 'neither the gateway nor the broker put this into the queue', attempts: 0 };
  return {
    id,
    origin: 'stranger',
    firstId: id,
    routingKey,
    topic: topicFromRoutingKey(routingKey),
    buriedAt: ofSeconds(message.properties.timestamp),
    ...what,
    ...properties,
  };
}

type Own = Pick<Letter, 'id' | 'origin' | 'firstId' | 'code' | 'stage' | 'message' | 'topic' | 'routingKey' | 'attempts' | 'buriedAt'>;
type History = Pick<Letter, 'scope' | 'route' | 'readingId' | 'readings' | 'device' | 'receivedAt' | 'firstFailedAt' | 'config' | 'qos'>;

function history(headers: Headers): History {
  const qos = headers['x-sluice-qos'] ?? headers['x-mqtt-publish-qos'];
  return {
    scope: scopeIn(headers),
    route: text(headers['x-sluice-route']),
    readingId: text(headers['x-sluice-reading-id']),
    readings: whole(headers['x-sluice-readings']),
    device: text(headers['x-sluice-device']),
    receivedAt: instant(headers['x-sluice-received-at']),
    firstFailedAt: instant(headers['x-sluice-first-failed-at']),
    config: text(headers['x-sluice-config']),
    qos: qos === 0 || qos === 1 ? qos : undefined,
  };
}

function fromGateway(headers: Headers, id: string, timestamp: unknown): Own {
  const routingKey = routingKeyIn(headers) ?? '';
  return {
    id,
    origin: 'gateway',
    firstId: text(headers['x-sluice-replay-of']) ?? id,
    code: text(headers['x-sluice-code']) ?? '',
    stage: text(headers['x-sluice-stage']) ?? '',
    message: text(headers['x-sluice-message']) ?? '',
    routingKey,
    topic: topicFromRoutingKey(routingKey),
    attempts: whole(headers['x-sluice-attempts']) ?? 0,
    buriedAt: instant(headers['x-sluice-buried-at']) ?? ofSeconds(timestamp),
  };
}

/** The newest entry of `x-death`: the broker puts it in front (RabbitMQ, "Dead Letter Exchanges"). */
interface Death {
  readonly reason: string;
  readonly queue: string;
  readonly count: number;
  readonly exchange: string | undefined;
  readonly routingKey: string;
  readonly at: EpochMs | undefined;
}

function deathOf(headers: Headers): Death | undefined {
  const list = headers['x-death'];
  const death: unknown = Array.isArray(list) ? list[0] : undefined;
  if (typeof death !== 'object' || death === null) return undefined;
  const { reason, queue, count, exchange, time, 'routing-keys': keys } = death as Headers;
  const first: unknown = Array.isArray(keys) ? keys[0] : undefined;
  if (typeof reason !== 'string' || typeof first !== 'string') return undefined;
  const at = typeof time === 'object' && time !== null ? ofSeconds((time as Headers)['value']) : undefined;
  return {
    reason,
    queue: text(queue) ?? '',
    count: whole(count) ?? 1,
    exchange: text(exchange),
    routingKey: first,
    at: at === undefined ? undefined : at * 1000,
  };
}

function fromBroker(headers: Headers, death: Death, message: ConsumeMessage): Own {
  // What was being replayed came with the name of the queue as its key, and its own in a header.
  const replayed = death.exchange === '' && text(headers['x-sluice-replay-of']) !== undefined;
  const routingKey = (replayed ? routingKeyIn(headers) : undefined) ?? death.routingKey;
  // The message has no name: MQTT knows none, and an AMQP publisher's need not be unique.
  const id = contentId(message, `${death.at ?? ''} ${death.queue} ${routingKey}`);
  return {
    id,
    origin: 'broker',
    firstId: (replayed ? text(headers['x-sluice-replay-of']) : undefined) ?? id,
    code: `BROKER_${death.reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`,
    stage: 'receive',
    message: `the broker moved it out of queue ${death.queue}: ${death.reason}${death.count > 1 ? `, ${death.count} times` : ''}`,
    routingKey,
    topic: topicFromRoutingKey(routingKey),
    attempts: death.count,
    buriedAt: death.at,
  };
}

/** Of a message that came in through the default exchange; no device can publish there. undefined where it is no replay. */
export function replayIn(headers: Headers): Replay | undefined {
  const of = text(headers['x-sluice-replay-of']);
  if (of === undefined) return undefined;
  const { scope, readingId, readings, route, firstFailedAt } = history(headers);
  return { of, count: whole(headers['x-sluice-replays']) ?? 1, scope, readingId, readings, route: scope === 'route' ? route : undefined, firstFailedAt };
}

/** Routing key and times of the message before it became a letter. */
export function originalIn(headers: Headers): Pick<History, 'receivedAt' | 'qos'> & { readonly routingKey: string | undefined } {
  const { receivedAt, qos } = history(headers);
  return { routingKey: routingKeyIn(headers), receivedAt, qos };
}

/** Properties of a letter on its way back to the ingest queue. */
export function replayProperties(letter: Letter, rules: ReplayRules): ContentProperties {
  const { of, count, scope, readingId, readings, route, firstFailedAt } = replayOf(letter, rules);
  const headers: Record<string, string | number> = {
    'x-sluice-replay-of': of,
    'x-sluice-replays': count,
    ...routingKeyHeaders(letter.routingKey),
    'x-sluice-scope': scope,
  };
  if (readingId !== undefined) headers['x-sluice-reading-id'] = readingId;
  if (readings !== undefined) headers['x-sluice-readings'] = readings;
  if (route !== undefined) headers['x-sluice-route'] = route;
  // What the broker moved, the gateway may never have had: the time of that is the nearest there is.
  const receivedAt = letter.receivedAt ?? letter.buriedAt;
  if (receivedAt !== undefined) headers['x-sluice-received-at'] = new Date(receivedAt).toISOString();
  if (firstFailedAt !== undefined) headers['x-sluice-first-failed-at'] = new Date(firstFailedAt).toISOString();
  if (letter.qos !== undefined) headers['x-sluice-qos'] = letter.qos;
  return {
    type: 'sluice.replay.v1',
    appId: 'sluice',
    ...(letter.contentType === undefined ? {} : { contentType: letter.contentType }),
    ...(letter.contentEncoding === undefined ? {} : { contentEncoding: letter.contentEncoding }),
    headers,
  };
}

function routingKeyIn(headers: Headers): string | undefined {
  const exact = text(headers['x-sluice-routing-key-b64']);
  return exact === undefined ? text(headers['x-sluice-routing-key']) : Buffer.from(exact, 'base64').toString('utf8');
}

/** Letters of before there was a scope say by their stage what they are about. */
function scopeIn(headers: Headers): LetterScope {
  const said = headers['x-sluice-scope'];
  if (said === 'message' || said === 'reading' || said === 'route') return said;
  if (text(headers['x-sluice-reading-id']) === undefined) return 'message';
  return headers['x-sluice-stage'] === 'publish' ? 'route' : 'reading';
}

function contentId({ content, properties }: ConsumeMessage, context: string): string {
  const digest = createHash('sha256')
    .update(`${context}\n${String(properties.messageId ?? '')}\n`)
    .update(content)
    .digest('base64url');
  return `m-${digest.slice(0, ID_CHARACTERS)}`;
}

/** An AMQP timestamp. Later than any date that JavaScript has (8.64e15 ms) is no time. */
function ofSeconds(value: unknown): EpochMs | undefined {
  const at = whole(value);
  return at === undefined || at > 8.64e12 ? undefined : at * 1000;
}

/** Longer ones are not the gateway's, and together could be more than one frame may hold on the way back. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MOST_CHARACTERS ? value : undefined;
}

function whole(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function instant(value: unknown): EpochMs | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
