import { Content } from '../../src/codec/content.ts';
import type { Encoding, PublishAction } from '../../src/domain/route.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import { textsOf } from '../../src/pipeline/batch-part.ts';
import type { Batch, DeadLetter, Delivery, Item } from '../../src/pipeline/ports.ts';
import { fault } from '../../src/domain/fault.ts';

export interface BatchShape {
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly texts: readonly string[];
  readonly action: Partial<PublishAction>;
  readonly sealedAt: number;
}

export function messageOf(overrides: Partial<InboundMessage> = {}): InboundMessage {
  return {
    topic: 'devices/north/m1/telemetry',
    routingKey: 'devices.north.m1.telemetry',
    body: Buffer.from('{"values":{"t":1}}'),
    receivedAt: 1_700_000_000_000,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: false,
    deliveryCount: 0,
    qos: 1,
    ...overrides,
  };
}

/** Texts as they stand in the body of a batch. */
export function contentOfTexts(texts: readonly string[], encoding: Encoding): Buffer {
  const content = new Content(encoding, 0);
  for (const text of texts) content.append(Buffer.from(text));
  return content.bytes();
}

/** The readings of a batch as they stand in its content. */
export function readingsIn(batch: Batch): Record<string, any>[] {
  return textsOf(batch).map((text) => JSON.parse(text.toString()) as Record<string, any>);
}

/** A batch for sinks alone: its content is these texts, and deliveries that nobody settles. */
export function batchOf(shape: Partial<BatchShape>): Batch {
  const { id = 'batch', exchange = 'x', routingKey = '', headers, texts = ['{"id":"r1"}'], sealedAt = 1_700_000_000_123 } = shape;
  const delivery: Delivery = { message: messageOf(), live: true, split: () => {}, settlePart: () => {} };
  const action: PublishAction = {
    kind: 'publish',
    exchange,
    routingKey,
    headers: undefined,
    batch: { count: 500, bytes: 262_144, ageMs: 100 },
    encoding: 'json',
    gzip: false,
    priority: undefined,
    ttlMs: undefined,
    delivery: 'confirmed',
    overflow: 'hold',
    laneReadings: 10_000,
    buryAfterMs: undefined,
    ...shape.action,
  };
  const items = texts.map((text): Item => ({ delivery, device: 'north/m1', ageMs: undefined, bytes: Buffer.byteLength(text), dedupeKey: undefined }));
  return {
    id,
    destination: { key: `${exchange} ${routingKey}`, route: 'test', action, exchange, routingKey, headers, final: true },
    encoding: action.encoding,
    items,
    content: contentOfTexts(texts, action.encoding),
    bytes: items.reduce((sum, item) => sum + item.bytes, 0),
    sealedBy: 'count',
    sealedAt,
    config: 'c1',
  };
}

export function letterOf(overrides: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id: 'letter',
    message: messageOf(),
    fault: fault('DECODE_INVALID', 'not JSON'),
    route: undefined,
    reading: undefined,
    attempts: 0,
    firstFailedAt: 1_700_000_000_000,
    buriedAt: 1_700_000_001_500,
    config: 'c1',
    ...overrides,
  };
}
