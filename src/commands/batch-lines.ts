import { gunzipSync } from 'node:zlib';
import { isLosslessNumber, parse, stringify } from 'lossless-json';
import { printable } from './problems.ts';

/** What a consumer needs of an AMQP message. */
export interface Received {
  readonly body: Buffer;
  readonly type: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Nobody sends batches that large; a body that unpacks to more is an attack or damaged. */
const MAX_UNPACKED = 268_435_456;

/**
 * The readings in a message, one line each: `json` as the object that was sent, else for people. A dead letter is one
 * line that says why. Throws an `Error` with a clear message for anything else.
 */
export function linesOf(message: Received, json: boolean): string[] {
  if (message.type === 'sluice.dead-letter.v1') return [json ? deadLetterJson(message) : deadLetterText(message)];
  if (message.type !== 'sluice.readings.v1') {
    throw new Error(`not a batch of readings: type ${quoted(message.type)}, content type ${quoted(message.contentType)}, ${message.body.length} bytes`);
  }
  const text = unpack(message).toString('utf8');
  let readings: unknown[];
  // Numbers stay as their digits: an integer beyond 2^53 must come out as it went in.
  if (message.contentType === 'application/x-ndjson') {
    readings = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parse(line));
  } else {
    const batch = parse(text) as { readings?: unknown };
    if (!Array.isArray(batch.readings)) throw new Error('not a batch of readings: it has no `readings`');
    ({ readings } = batch as { readings: unknown[] });
  }
  return readings.map((reading) => (json ? (stringify(reading) ?? 'null') : readingText(reading as Partial<WireReading>)));
}

/** docs/wire-format.md. */
interface WireReading {
  readonly device: string;
  readonly profile: string;
  readonly measuredAt: unknown;
  readonly values: Readonly<Record<string, unknown>>;
  readonly units?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

function unpack(message: Received): Buffer {
  if (message.contentEncoding === undefined || message.contentEncoding === 'identity') return message.body;
  if (message.contentEncoding !== 'gzip') throw new Error(`content encoding ${quoted(message.contentEncoding)} is not known`);
  return gunzipSync(message.body, { maxOutputLength: MAX_UNPACKED });
}

/** `2026-01-02T03:04:05.678Z north/m1 telemetry temperature=21.5 Cel, power=3 W [late]` */
function readingText(reading: Partial<WireReading>): string {
  const values = Object.entries(reading.values ?? {}).map(([name, value]) => {
    const unit = reading.units?.[name];
    return `${name}=${valueText(value)}${unit === undefined ? '' : ` ${unit}`}`;
  });
  const flags = reading.flags === undefined || reading.flags.length === 0 ? '' : ` [${reading.flags.join(' ')}]`;
  return printable(`${time(reading.measuredAt)} ${reading.device ?? '?'} ${reading.profile ?? '?'} ${values.join(', ')}${flags}`);
}

function valueText(value: unknown): string {
  return isLosslessNumber(value) ? value.toString() : (stringify(value) ?? '?');
}

function time(epochMs: unknown): string {
  const date = new Date(Number(isLosslessNumber(epochMs) ? epochMs.toString() : epochMs));
  return Number.isNaN(date.getTime()) ? '(no time)' : date.toISOString();
}

function deadLetterText(message: Received): string {
  const of = (name: string): string => {
    const value = message.headers[`x-sluice-${name}`];
    return typeof value === 'string' ? value : '?';
  };
  return printable(`${of('buried-at')} dead letter ${of('code')} ${of('topic')}: ${of('message')} (${message.body.length} bytes)`);
}

function deadLetterJson(message: Received): string {
  return JSON.stringify({ deadLetter: message.headers, contentType: message.contentType, body: message.body.toString('base64') });
}

function quoted(text: string | undefined): string {
  return text === undefined ? '(none)' : printable(JSON.stringify(text));
}
