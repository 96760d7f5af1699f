import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, failed, fault, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag, Value } from '../domain/reading.ts';
import { COMMENT, LineScanner, MEASUREMENT, NAME, PLAIN, TAG_VALUE, TEXT } from './line-scanner.ts';
import { parseTime, parseValue } from './line-values.ts';
import { oneOf, unknownOptions } from './option-checks.ts';
import type { CodecOptions, Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';
import { payloadText } from './text.ts';

const NANOSECONDS: ReadonlyMap<unknown, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
]);

const [SPACE, QUOTE, HASH, COMMA, EQUALS] = [0x20, 0x22, 0x23, 0x2c, 0x3d];
/** Reads one message, forward only, up to the first thing that is wrong. */
class LineReader {
  private readonly scan: LineScanner;
  private readonly limits: Limits;
  private readonly unit: bigint;
  private fields = 0;
  duplicate = false;

  constructor(text: string, limits: Limits, unit: bigint) {
    this.scan = new LineScanner(text);
    this.limits = limits;
    this.unit = unit;
  }

  read(): Document[] | Fault {
    const points: Document[] = [];
    for (;;) {
      const stray = this.skip();
      if (stray !== undefined) {
        return stray;
      }
      if (this.scan.ended) {
        return points;
      }
      if (points.length >= this.limits.readingsPerMessage) {
        return fault('LIMIT_READINGS', `the payload has more than limits.readingsPerMessage = ${this.limits.readingsPerMessage} lines`);
      }
      const point = this.point();
      if (isFault(point)) {
        return point;
      }
      points.push(point);
    }
  }

  /** Passes over blank lines and comments. A comment holds no control characters. */
  private skip(): Fault | undefined {
    const { scan } = this;
    while (!scan.ended) {
      scan.spaces();
      if (scan.next === HASH) {
        const start = scan.at;
        scan.take(COMMENT);
        if (!scan.lineEnd()) {
          return this.wrong(start, 'a control character in a comment');
        }
      } else if (scan.ended || !scan.lineEnd()) {
        return undefined;
      }
    }
    return undefined;
  }

  private point(): Document | Fault {
    const { scan } = this;
    const start = scan.at;
    const measurement = scan.take(MEASUREMENT);
    if (measurement === '') {
      return this.wrong(start, 'a measurement name must stand here');
    }
    const tags = emptyBag<Document>();
    while (scan.next === COMMA) {
      scan.at += 1;
      const stray = this.tag(tags);
      if (stray !== undefined) {
        return stray;
      }
    }
    if (scan.next !== SPACE) {
      return this.wrong(scan.at, 'a tag or a space and a field must follow');
    }
    scan.spaces();
    const values = emptyBag<Document>();
    do {
      const stray = this.field(values);
      if (stray !== undefined) {
        return stray;
      }
    } while (scan.next === COMMA && this.pass());
    return this.end(measurement, tags, values);
  }

  private tag(tags: Record<string, Document>): Fault | undefined {
    const { scan } = this;
    const start = scan.at;
    const name = scan.take(NAME);
    if (name === '' || scan.next !== EQUALS) {
      return this.wrong(start, 'a tag must stand here: name=value');
    }
    scan.at += 1;
    const value = scan.take(TAG_VALUE);
    if (value === '') {
      return this.wrong(scan.at, `the tag ${excerpt(name, 40)} has no value`);
    }
    if (name in tags) {
      return this.wrong(start, `the tag ${excerpt(name, 40)} stands twice`);
    }
    tags[name] = value;
    return this.counted();
  }

  private field(values: Record<string, Document>): Fault | undefined {
    const { scan } = this;
    const start = scan.at;
    const name = scan.take(NAME);
    if (name === '' || scan.next !== EQUALS) {
      return this.wrong(start, 'a field must stand here: name=value');
    }
    scan.at += 1;
    const value = scan.next === QUOTE ? this.text() : this.plain();
    if (isFault(value)) {
      return value;
    }
    // InfluxDB keeps one of the two and does not say which; the later one here, as in JSON.
    this.duplicate ||= name in values;
    values[name] = value;
    return this.counted();
  }

  private text(): string | Fault {
    const { scan } = this;
    const start = scan.at;
    scan.at += 1;
    const value = scan.take(TEXT);
    if (scan.ended) {
      return this.wrong(start, 'the closing quote of this text is missing');
    }
    scan.at += 1;
    return value;
  }

  private plain(): Value | Fault {
    const { scan } = this;
    const start = scan.at;
    const text = scan.take(PLAIN);
    const parsed = parseValue(text);
    return 'value' in parsed ? parsed.value : this.refused(start, text, parsed.problem);
  }

  /** What may follow the fields: a timestamp, spaces, the end of the line. */
  private end(measurement: string, tags: Document, values: Document): Document | Fault {
    const { scan } = this;
    const after = scan.at;
    scan.spaces();
    if (scan.lineEnd()) {
      return { measurement, tags, values };
    }
    const start = scan.at;
    const text = start > after ? scan.take(PLAIN) : '';
    const time = parseTime(text, this.unit);
    if (time === undefined) {
      return this.wrong(start, 'a comma and a field, a space and a timestamp, or the end of the line must follow');
    }
    scan.spaces();
    if (!scan.lineEnd()) {
      return this.wrong(scan.at, 'nothing may follow the timestamp');
    }
    return 'value' in time ? { measurement, tags, values, time: time.value } : this.refused(start, text, time.problem);
  }

  private pass(): true {
    this.scan.at += 1;
    return true;
  }

  private counted(): Fault | undefined {
    this.fields += 1;
    return this.fields > this.limits.fields
      ? fault('LIMIT_FIELDS', `the payload has more than limits.fields = ${this.limits.fields} tags and fields`)
      : undefined;
  }

  private wrong(at: number, what: string): Fault {
    return fault('DECODE_INVALID', `not line protocol: ${this.scan.place(at)}: ${what}`);
  }

  private refused(at: number, text: string, problem: string): Fault {
    if (problem !== 'range') {
      return this.wrong(at, problem);
    }
    return fault('NUMBER_OUT_OF_RANGE', `${this.scan.place(at)}: ${excerpt(text, 40)} is out of range`);
  }
}

function isFault(value: Document | Fault): value is Fault {
  return typeof value === 'object' && value !== null && 'stage' in value && 'kind' in value;
}

class LineProtocolDecoder implements PayloadDecoder {
  private readonly unit: bigint;

  constructor(options: CodecOptions) {
    this.unit = NANOSECONDS.get(options['precision'] ?? 'ns') ?? 1n;
  }

  decode(body: Buffer, limits: Limits): Result<Decoded> {
    if (body.length > limits.messageBytes) {
      return failed('LIMIT_BYTES', `the payload has ${body.length} bytes, more than limits.messageBytes = ${limits.messageBytes}`);
    }
    const read = payloadText(body);
    if (!read.ok) {
      return read;
    }
    const reader = new LineReader(read.value.text, limits, this.unit);
    const document = reader.read();
    if (isFault(document)) {
      return { ok: false, fault: document };
    }
    const flags: readonly Flag[] = reader.duplicate ? [...read.value.flags, 'duplicate-key'] : read.value.flags;
    return { ok: true, value: { document, flags, ignored: document.length === 0 ? 'empty' : undefined } };
  }
}

/**
 * Line protocol of InfluxDB 2: an array of `{ measurement, tags, values, time }`, one for each line, all or none. `time`
 * is nanoseconds since 1970 as bigint, absent where the line has none. Integers (`1i`, `1u`) are exact to 64 bits, of
 * equal field names the last wins and is flagged, of equal tag names none: the payload is refused.
 *
 * - `precision`: what the timestamps count: `ns` (default), `us`, `ms` or `s`
 */
export const lineProtocolCodec: PayloadCodec = {
  name: 'line-protocol',
  contentType: 'text/plain; charset=utf-8',
  checkOptions: (options): string[] => [...unknownOptions(options, ['precision']), ...oneOf('precision', options['precision'], ['ns', 'us', 'ms', 's'])],
  create: (options): PayloadDecoder => new LineProtocolDecoder(options),
};
