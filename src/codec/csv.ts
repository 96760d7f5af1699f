import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { CsvScanner, type CsvSigns } from './csv-scanner.ts';
import { type Decimal, numberOf, outOfRange } from './number-text.ts';
import { count, oneOf, sign, unknownOptions } from './option-checks.ts';
import type { CodecOptions, Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';
import { payloadText } from './text.ts';

const OPTIONS = ['delimiter', 'header', 'quote', 'comment', 'decimal', 'skipLines'] as const;
const MOST_SKIPPED = 1000;

function lineOf(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) {
    line += 1;
  }
  return line;
}

/** What is wrong with a list of column names; undefined for nothing. */
function namesProblem(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '') {
      return `column ${seen.size + 1} has no name`;
    }
    if (seen.has(name)) {
      return `two columns are named "${excerpt(name, 40)}"`;
    }
    seen.add(name);
  }
  return names.length === 0 ? 'there are no column names' : undefined;
}

class CsvDecoder implements PayloadDecoder {
  private readonly signs: CsvSigns;
  private readonly names: readonly string[] | undefined;
  private readonly decimal: Decimal;
  private readonly skipLines: number;

  constructor(options: CodecOptions) {
    const { delimiter = ',', header, quote = '"', comment, decimal, skipLines = 0 } = options;
    this.signs = { delimiter: delimiter as string, quote: quote === false ? undefined : (quote as string), comment: comment as string | undefined };
    this.names = Array.isArray(header) ? (header as string[]) : undefined;
    this.decimal = decimal === ',' ? ',' : '.';
    this.skipLines = skipLines as number;
  }

  decode(body: Buffer, limits: Limits): Result<Decoded> {
    const read = payloadText(body);
    if (!read.ok) {
      return read;
    }
    const { text, flags } = read.value;
    const scan = new CsvScanner(text, this.signs, limits.fields);
    for (let i = 0; i < this.skipLines; i += 1) {
      scan.skipLine();
    }
    const rows = this.rows(scan, limits);
    if ('code' in rows) {
      return { ok: false, fault: rows };
    }
    return { ok: true, value: { document: rows, flags, ignored: rows.length === 0 ? 'empty' : undefined } };
  }

  private rows(scan: CsvScanner, limits: Limits): Document[] | Fault {
    const rows: Document[] = [];
    let { names } = this;
    let fields = 0;
    while (scan.nextRow()) {
      const start = scan.at;
      const problem = scan.row();
      if (problem === 'fields') {
        return fault('LIMIT_FIELDS', `a row has more than limits.fields = ${limits.fields} fields`);
      }
      if (problem !== undefined) {
        return this.wrong(scan, scan.at, problem);
      }
      if (names === undefined) {
        names = scan.fields.map((name) => name.trim());
        const unnamed = namesProblem(names);
        if (unnamed !== undefined) {
          return this.wrong(scan, start, unnamed);
        }
        continue;
      }
      if (scan.fields.length !== names.length) {
        return this.wrong(scan, start, `the row has ${scan.fields.length} fields and there are ${names.length} columns`);
      }
      fields += names.length;
      if (rows.length >= limits.readingsPerMessage) {
        return fault('LIMIT_READINGS', `the payload has more than limits.readingsPerMessage = ${limits.readingsPerMessage} rows`);
      }
      if (fields > limits.fields) {
        return fault('LIMIT_FIELDS', `the payload has more than limits.fields = ${limits.fields} fields`);
      }
      const row = this.record(scan, names, start);
      if ('fault' in row) {
        return row.fault;
      }
      rows.push(row.record);
    }
    return rows;
  }

  private record(scan: CsvScanner, names: readonly string[], start: number): { readonly record: Document } | { readonly fault: Fault } {
    const record = emptyBag<Document>();
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i] as string;
      const field = scan.fields[i] as string;
      if (scan.quoted[i] === true) {
        record[name] = field;
        continue;
      }
      const bare = field.trim();
      const number = bare === '' ? null : numberOf(bare, this.decimal);
      if (number === 'range') {
        return outOfRange(bare, `line ${lineOf(scan.text, start)}: `);
      }
      record[name] = number === undefined ? field : number;
    }
    return { record };
  }

  private wrong(scan: CsvScanner, at: number, what: string): Fault {
    return fault('DECODE_INVALID', `not CSV: line ${lineOf(scan.text, at)}: ${what}`);
  }
}

function checkHeader(header: unknown): string[] {
  if (header === undefined || header === true) {
    return [];
  }
  if (!Array.isArray(header) || !header.every((name) => typeof name === 'string')) {
    return ['header: must be true or a list of column names'];
  }
  const problem = namesProblem(header);
  return problem === undefined ? [] : [`header: ${problem}`];
}

function checkSigns({ delimiter = ',', quote = '"', comment, decimal = '.' }: CodecOptions): string[] {
  const signs = [delimiter, quote, comment].filter((one) => typeof one === 'string');
  const problems = new Set(signs).size === signs.length ? [] : ['delimiter: delimiter, quote and comment must be different characters'];
  return delimiter === decimal ? [...problems, 'decimal: the delimiter is the same character'] : problems;
}

/**
 * CSV (RFC 4180): an array of rows `{ column: number | string | null }`, all or none. A field that is a number as a whole
 * (as JSON writes numbers, spaces around it allowed) is one; an empty field is null; everything else is text as it
 * stands, and so is every field in quotes. LF ends a line as CR LF does; blank lines are passed over; a row with more
 * or fewer fields than there are columns is refused.
 *
 * - `header`: `true` (default) for names in the first row, or the list of names where the payload has none
 * - `delimiter`: one character, default `,`
 * - `quote`: one character, default `"`; `false` for none
 * - `comment`: lines that begin with this character are passed over; default none
 * - `decimal`: `.` (default) or `,`
 * - `skipLines`: lines to pass over before the first row, 0 to 1000; default 0
 */
export const csvCodec: PayloadCodec = {
  name: 'csv',
  contentType: 'text/csv',
  checkOptions: (options): string[] => [
    ...unknownOptions(options, OPTIONS),
    ...sign('delimiter', options['delimiter']),
    ...checkHeader(options['header']),
    ...(options['quote'] === false ? [] : sign('quote', options['quote'])),
    ...sign('comment', options['comment']),
    ...oneOf('decimal', options['decimal'], ['.', ',']),
    ...count('skipLines', options['skipLines'], MOST_SKIPPED),
    ...checkSigns(options),
  ],
  create: (options): PayloadDecoder => new CsvDecoder(options),
};
