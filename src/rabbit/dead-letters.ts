import { FAULTS, type Fault, type Result } from '../domain/fault.ts';
import type { LetterScope } from '../domain/message.ts';
import type { DeadLetter, DeadLetterSink, Scheduler } from '../pipeline/ports.ts';
import { onAvailable, unavailability } from './availability.ts';
import { ConfirmPublisher } from './publisher.ts';
import type { Session } from './session.ts';
import { SHORT_STRING_BYTES } from './wire/frames.ts';
import type { ContentProperties } from './wire/publish.ts';

/** Longest message text in a header, in characters. */
const MESSAGE_CHARS = 500;
/** Longest other text in a header, in bytes of UTF-8: twelve of them stay far below what amqplib can encode (64 kB). */
const TEXT_BYTES = 1024;

export interface AmqpDeadLettersOptions {
  /** The publishing session; may be the sink's. */
  readonly session: Session;
  readonly exchange: string;
  readonly confirmTimeoutMs: number;
  readonly channelTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly scheduler: Scheduler;
}

/** Brings dead letters to their exchange: the original bytes unchanged, and in the headers why. */
export class AmqpDeadLetters implements DeadLetterSink {
  private readonly options: AmqpDeadLettersOptions;
  private readonly publisher: ConfirmPublisher;

  constructor(options: AmqpDeadLettersOptions) {
    this.options = options;
    this.publisher = new ConfirmPublisher(options);
  }

  get unavailable(): Fault | undefined {
    return unavailability(this.options.session);
  }

  onAvailable(listener: () => void): () => void {
    return onAvailable(this.options.session, listener);
  }

  async bury(letter: DeadLetter, signal: AbortSignal): Promise<Result<void>> {
    return await this.publisher.publish(letter.id, deadLetterKey(letter.fault), letter.message.body, deadLetterProperties(letter), signal);
  }

  /** Closes the channel; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    await this.publisher.close(deadlineMs);
  }
}

/** `decode.DECODE_INVALID`. Never the device's key: one longer than 255 bytes cannot even be published. */
export function deadLetterKey(fault: Fault): string {
  return `${FAULTS[fault.code].stage}.${fault.code}`;
}

/** What of the message is dead. A replay that fails again is never about more than it was before. */
function scopeOf({ message, fault, reading, route, readings }: DeadLetter): Scope {
  const { replay } = message;
  const within = replay === undefined || replay.scope === 'message' ? undefined : replay;
  const readingId = reading?.id ?? within?.readingId;
  if (within?.scope === 'route') return { scope: 'route', readingId, readings: within.readings, route: within.route };
  const count = within?.readings ?? readings;
  if (reading !== undefined && fault.stage === 'publish') return { scope: 'route', readingId, readings: count, route };
  return { scope: reading === undefined && within === undefined ? 'message' : 'reading', readingId, readings: count, route };
}

/** Every text in them comes from outside and is bounded here; a dead letter that cannot be encoded would be held for ever. */
export function deadLetterProperties(letter: DeadLetter): ContentProperties {
  const { message, fault, reading } = letter;
  const { replay, qos } = message;
  const contentType = shortText(message.contentType);
  const contentEncoding = shortText(message.contentEncoding);
  const { scope, readingId, readings, route } = scopeOf(letter);
  const headers: Record<string, string | number> = {
    'x-sluice-code': fault.code,
    'x-sluice-stage': fault.stage,
    'x-sluice-message': clean(fault.message.slice(0, MESSAGE_CHARS)),
    'x-sluice-topic': cut(clean(message.topic), TEXT_BYTES),
    ...routingKeyHeaders(message.routingKey),
    'x-sluice-scope': scope,
    'x-sluice-replays': replay?.count ?? 0,
    'x-sluice-attempts': letter.attempts,
    'x-sluice-first-failed-at': new Date(letter.firstFailedAt).toISOString(),
    'x-sluice-buried-at': new Date(letter.buriedAt).toISOString(),
    'x-sluice-received-at': new Date(message.receivedAt).toISOString(),
    'x-sluice-config': cut(clean(letter.config), TEXT_BYTES),
  };
  if (route !== undefined) headers['x-sluice-route'] = cut(clean(route), TEXT_BYTES);
  if (readingId !== undefined) headers['x-sluice-reading-id'] = cut(clean(readingId), TEXT_BYTES);
  if (readings !== undefined) headers['x-sluice-readings'] = readings;
  if (reading !== undefined) headers['x-sluice-device'] = cut(clean(reading.device), TEXT_BYTES);
  if (qos !== undefined) headers['x-sluice-qos'] = qos;
  if (replay !== undefined) headers['x-sluice-replay-of'] = cut(clean(replay.of), TEXT_BYTES);
  return {
    type: 'sluice.dead-letter.v1',
    appId: 'sluice',
    timestamp: Math.floor(letter.buriedAt / 1000),
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    headers,
  };
}

interface Scope {
  readonly scope: LetterScope;
  readonly readingId: string | undefined;
  readonly readings: number | undefined;
  readonly route: string | undefined;
}

/** The key as people may see it, and in base64 where that is not the key itself: a replay needs it exactly. */
export function routingKeyHeaders(routingKey: string): Record<string, string> {
  const shown = cut(clean(routingKey), TEXT_BYTES);
  // The topic follows from it. AMQP has no longer key than 255 bytes, so what is cut off here has never arrived.
  return shown === routingKey
    ? { 'x-sluice-routing-key': shown }
    : { 'x-sluice-routing-key': shown, 'x-sluice-routing-key-b64': Buffer.from(cut(routingKey, TEXT_BYTES)).toString('base64') };
}

/** Control characters and halves of surrogate pairs become U+FFFD: logs and terminals show these texts. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '\uFFFD');
}

/** The longest beginning that fits, whole characters only. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}

/** A property of the original that AMQP can carry as it is; one that was damaged is left out. */
function shortText(value: string | undefined): string | undefined {
  return value === undefined || clean(value) !== value || Buffer.byteLength(value) > SHORT_STRING_BYTES ? undefined : value;
}
