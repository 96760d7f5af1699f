import { Voice } from './device.ts';
import type { NativeMessage, Speaker, SpeakerOptions } from './device.ts';
import type { Value, Values } from './profiles/profile.ts';

export interface CsvOptions {
  /** One column, or several that are joined with a space (a date and a time of day). */
  readonly timeColumns: readonly string[];
  /** Which columns become values; undefined: all others that have a name. */
  readonly columns: readonly string[] | undefined;
  /** How much faster than recorded; 1 is real time. More than 0. */
  readonly speed: number;
  readonly delimiter: string;
  readonly decimal: '.' | ',';
  /** Order in dates with slashes or dots (`3/10/2004`). Undefined: such dates are refused, because no guess is safe. */
  readonly dateOrder: 'mdy' | 'dmy' | undefined;
}

export interface Series {
  /** Milliseconds after the first row at which each row is due, speed applied. Never falling: a row whose clock steps back is due with the one before it. */
  readonly times: readonly number[];
  readonly rows: readonly Values[];
}

/** The command line or the file is wrong; the message says where. */
export class CsvError extends Error {
  override readonly name = 'CsvError';
}

/** Fields of each record (RFC 4180: quotes, doubled quotes, line breaks inside quotes), with the line on which it begins. */
function* records(text: string, delimiter: string): Generator<{ line: number; fields: string[] }> {
  let line = 1;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const first = line;
    const fields: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        for (;;) {
          const end = text.indexOf('"', at + 1);
          if (end < 0) {
            throw new CsvError(`line ${first}: a quote is not closed`);
          }
          field += text.slice(at + 1, end);
          at = end + 1;
          if (text[at] !== '"') {
            break;
          }
          field += '"';
        }
        line += field.split('\n').length - 1;
      }
      const from = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n') {
        at += 1;
      }
      fields.push((field + text.slice(from, at)).replace(/\r$/, ''));
      if (text[at] !== delimiter) {
        break;
      }
      at += 1;
    }
    at += 1;
    line += 1;
    if (fields.length > 1 || fields[0] !== '') {
      yield { line: first, fields };
    }
  }
}

const ISO = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const SLASHED = /^(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[T ](\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?)?$/;

/** Milliseconds since 1970; times without a zone are read as UTC. Undefined: not a time. Plain numbers are seconds up to 1e11, else milliseconds. */
export function parseTime(text: string, dateOrder: CsvOptions['dateOrder']): number | undefined {
  if (/^\d{6,16}(\.\d+)?$/.test(text)) {
    const n = Number(text);
    return n < 1e11 ? n * 1000 : n;
  }
  const iso = ISO.exec(text);
  const slashed = iso === null && dateOrder !== undefined ? SLASHED.exec(text) : null;
  const part = (match: RegExpExecArray, index: number): number => Number(match[index] ?? 0);
  let fields: number[];
  if (iso !== null) {
    fields = [1, 2, 3, 4, 5, 6].map((i) => part(iso, i));
  } else if (slashed !== null) {
    const [month, day] = dateOrder === 'mdy' ? [1, 2] : [2, 1];
    fields = [part(slashed, 3), part(slashed, month), part(slashed, day), part(slashed, 4), part(slashed, 5), part(slashed, 6)];
  } else {
    return undefined;
  }
  const [year, month, day, hour, minute, second] = fields as [number, number, number, number, number, number];
  const utc = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(utc);
  // Date.UTC carries 31 April over into May; such a date is wrong, not May.
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    return undefined;
  }
  const zone = iso?.[8];
  const offset = zone === undefined || zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  return utc + Number(iso?.[7] ?? 0) * 1000 - offset * 60_000;
}

function cell(text: string, decimal: '.' | ','): Value | undefined {
  const trimmed = text.trim();
  if (trimmed === '') {
    return undefined;
  }
  const numeric = decimal === ',' ? trimmed.replace(',', '.') : trimmed;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(numeric) && Number.isFinite(Number(numeric))) {
    return Number(numeric);
  }
  return trimmed;
}

/** Reads a series. Empty cells have no value, rows without any value are left out, cells that are not numbers stay text. Throws `CsvError`. */
export function parseSeries(text: string, options: CsvOptions): Series {
  const times: number[] = [];
  const rows: Values[] = [];
  let header: string[] | undefined;
  let timeAt: number[] = [];
  let valueAt: number[] = [];
  let firstTime: number | undefined;
  for (const { line, fields } of records(text, options.delimiter)) {
    if (header === undefined) {
      header = fields.map((name) => name.trim());
      const at = (name: string): number => {
        const index = (header as string[]).indexOf(name);
        if (index < 0) {
          throw new CsvError(`no column ${JSON.stringify(name)}; there are: ${(header as string[]).filter(Boolean).join(', ')}`);
        }
        return index;
      };
      timeAt = options.timeColumns.map(at);
      valueAt = (options.columns ?? header.filter((name) => name !== '' && !options.timeColumns.includes(name))).map(at);
      continue;
    }
    // Tables that R writes have row names in a column without a header.
    const shift = fields.length === header.length + 1 ? 1 : 0;
    const timeText = timeAt.map((i) => (fields[i + shift] ?? '').trim()).join(' ');
    const values: Values = {};
    for (const i of valueAt) {
      const value = cell(fields[i + shift] ?? '', options.decimal);
      if (value !== undefined) {
        values[header[i] as string] = value;
      }
    }
    if (timeText.trim() === '' && Object.keys(values).length === 0) {
      continue;
    }
    const time = parseTime(timeText, options.dateOrder);
    if (time === undefined) {
      const hint = SLASHED.test(timeText) && options.dateOrder === undefined ? ' (say which order the date has: mdy or dmy)' : '';
      throw new CsvError(`line ${line}: ${JSON.stringify(timeText)} is not a time${hint}`);
    }
    if (Object.keys(values).length === 0) {
      continue;
    }
    firstTime ??= time;
    times.push(Math.max((time - firstTime) / options.speed, times.at(-1) ?? 0));
    rows.push(values);
  }
  if (rows.length === 0) {
    throw new CsvError('no row with a value');
  }
  return { times, rows };
}

/** A device that repeats a recorded series, with the times of the replay. */
export class Replay implements Speaker {
  readonly id: string;
  private readonly rows: readonly Values[];
  private readonly voice: Voice;
  private at = 0;

  constructor(series: Series, options: Omit<SpeakerOptions, 'kind'>) {
    this.rows = series.rows;
    this.voice = new Voice({ ...options, kind: 'replay' });
    this.id = this.voice.id;
  }

  next(timeMs: number): NativeMessage | undefined {
    const values = this.rows[this.at];
    this.at += 1;
    return values === undefined ? undefined : this.voice.say({ values }, timeMs);
  }
}
