import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Value } from '../domain/reading.ts';
import { type Decimal, numberOf, outOfRange } from './number-text.ts';
import { oneOf, texts, unknownOptions } from './option-checks.ts';
import type { CodecOptions, Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';
import { payloadText } from './text.ts';

const OPTIONS = ['words', 'missing', 'text', 'unit', 'decimal'] as const;

/** What `words: true` stands for, each in small letters, in capitals and with one capital. Open and closed are not here: which is true depends on the contact. */
const TRUE_WORDS: readonly string[] = ['true', 'on', 'yes', 'online'];
const FALSE_WORDS: readonly string[] = ['false', 'off', 'no', 'offline'];

/** What says "no value" unless `missing` lists something else, each in the same three spellings: what C's printf, Python and Home Assistant write. */
const MISSING_WORDS: readonly string[] = ['nan', '-nan', 'inf', '+inf', '-inf', 'infinity', '-infinity', 'none', 'unavailable', 'unknown', 'null', 'undefined'];
const MISSING_EXTRA: readonly string[] = ['NaN', '-NaN', 'n/a', 'N/A'];

/** White space as JSON has it (RFC 8259 section 2). */
const SPACE_BEFORE = /^[ \t\r\n]+/;
/** A number, perhaps a space, and a unit. Units hold letters, the signs below, and of digits only exponents: `12:30` and `2 of 3` are no numbers with a unit. */
const WITH_UNIT = /^([-\d.,]+(?:[eE][-+]?\d+)?)[ \u00a0\u202f]?([\p{L}%\u2030\u00b0\u2103\u2109][\p{L}%\u2030\u00b0\u00b2\u00b3\u00b7/*^().23-]*)$/u;
/** What C and its descendants write for other bases: behind the zero there is no unit. */
const OTHER_BASE = /^0(?:x[\da-f]+|b[01]+|o[0-7]+)$/i;
/** Longer text is no number with a unit; it also bounds the work of WITH_UNIT. */
const LONGEST_WITH_UNIT = 80;

function spellings(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const at = word.search(/[a-z]/);
    return [word, word.toUpperCase(), word.slice(0, at) + word.charAt(at).toUpperCase() + word.slice(at + 1)];
  });
}

/** White space cut off both ends. Not `trim`: that takes Unicode's spaces too, and a pattern for the end would not be linear. */
function trimmed(text: string): string {
  const start = SPACE_BEFORE.exec(text)?.[0].length ?? 0;
  let end = text.length;
  while (end > start && ' \t\r\n'.includes(text.charAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}

function wordTable(words: unknown): readonly (readonly [string, boolean])[] {
  if (words === true) {
    return [...spellings(TRUE_WORDS).map((word) => [word, true] as const), ...spellings(FALSE_WORDS).map((word) => [word, false] as const)];
  }
  const own = (typeof words === 'object' ? words : {}) as { readonly true?: readonly string[]; readonly false?: readonly string[] };
  return [...(own.true ?? []).map((word) => [word, true] as const), ...(own.false ?? []).map((word) => [word, false] as const)];
}

class ScalarDecoder implements PayloadDecoder {
  private readonly words: ReadonlyMap<string, boolean>;
  private readonly missing: ReadonlySet<string>;
  private readonly keepText: boolean;
  private readonly split: boolean;
  private readonly units: ReadonlySet<string>;
  private readonly decimal: Decimal;

  constructor(options: CodecOptions) {
    const { words, missing, text, unit, decimal } = options;
    // The words of JSON always mean what they mean; a table may say otherwise.
    this.words = new Map([['true', true] as const, ['false', false] as const, ...wordTable(words)]);
    this.missing = new Set(Array.isArray(missing) ? (missing as string[]) : [...spellings(MISSING_WORDS), ...MISSING_EXTRA]);
    this.keepText = text === 'keep';
    this.split = unit === 'split';
    this.units = new Set(Array.isArray(unit) ? (unit as string[]) : []);
    this.decimal = decimal === ',' ? ',' : '.';
  }

  decode(body: Buffer, _limits: Limits): Result<Decoded> {
    const read = payloadText(body);
    if (!read.ok) {
      return read;
    }
    const { text, flags } = read.value;
    const bare = trimmed(text);
    if (this.missing.has(bare)) {
      return { ok: true, value: { document: null, flags, ignored: 'missing' } };
    }
    if (bare === '') {
      return failed('DECODE_INVALID', 'the payload is white space only');
    }
    const word = this.words.get(bare);
    if (word !== undefined) {
      return this.answer(word, undefined, flags);
    }
    const number = numberOf(bare, this.decimal);
    if (number === 'range') {
      return outOfRange(bare);
    }
    if (number !== undefined) {
      return this.answer(number, undefined, flags);
    }
    return this.withUnit(bare, flags) ?? this.otherText(text, bare, flags);
  }

  private answer(value: Value, unit: string | undefined, flags: Decoded['flags']): Result<Decoded> {
    if (!this.split) {
      return { ok: true, value: { document: value, flags } };
    }
    const document = emptyBag<Document>();
    document['value'] = value;
    if (unit !== undefined) {
      document['unit'] = unit;
    }
    return { ok: true, value: { document, flags } };
  }

  private withUnit(bare: string, flags: Decoded['flags']): Result<Decoded> | undefined {
    if ((!this.split && this.units.size === 0) || bare.length > LONGEST_WITH_UNIT || OTHER_BASE.test(bare)) {
      return undefined;
    }
    const [, digits = '', unit = ''] = WITH_UNIT.exec(bare) ?? [];
    if (!this.split && !this.units.has(unit)) {
      return undefined;
    }
    const number = numberOf(digits, this.decimal);
    if (number === undefined) {
      return undefined;
    }
    return number === 'range' ? outOfRange(digits) : this.answer(number, unit, flags);
  }

  private otherText(text: string, bare: string, flags: Decoded['flags']): Result<Decoded> {
    // Text that begins like an object or an array is a broken one, not somebody's word.
    if (this.keepText && !bare.startsWith('{') && !bare.startsWith('[')) {
      return this.answer(text, undefined, flags);
    }
    return failed('DECODE_INVALID', `"${excerpt(bare, 48)}" is neither a number nor a word that the profile knows`);
  }
}

function checkWords(words: unknown): string[] {
  if (words === undefined || typeof words === 'boolean') {
    return [];
  }
  if (typeof words !== 'object' || words === null || Array.isArray(words)) {
    return ['words: must be true, false, or lists of texts under true and false'];
  }
  const table = words as Readonly<Record<string, unknown>>;
  const stray = Object.keys(table).filter((name) => name !== 'true' && name !== 'false');
  const lists = ['true', 'false'].flatMap((name) => texts(`words.${name}`, table[name]));
  const both = lists.length > 0 ? [] : ((table['true'] ?? []) as string[]).filter((word) => ((table['false'] ?? []) as string[]).includes(word));
  return [
    ...stray.map((name) => `words: "${name}" is neither true nor false`),
    ...lists,
    ...both.map((word) => `words: "${word}" cannot be both true and false`),
  ];
}

/**
 * One bare value, as ESPHome, Shelly of the first generation, Homie and many others publish it: a JSON number with white
 * space around it, `true` or `false`, or by option a word, a number with a unit, a number with a decimal comma, or any text.
 *
 * - `words`: `true` for the set above, or `{ true: [ON], false: [OFF] }`, spelled exactly; default none but `true` and `false`
 * - `missing`: texts that mean that there is no value; such a message is ignored, because it holds no reading and is not wrong
 * - `text`: `refuse` (default) or `keep` what is nothing else, as it was sent
 * - `unit`: a list of units that may follow the number and are dropped (the profile names the unit), or `split` for a
 *   document `{ value, unit }`; default: a number with a unit is text
 * - `decimal`: `.` (default) or `,`
 */
export const scalarCodec: PayloadCodec = {
  name: 'scalar',
  contentType: 'text/plain',
  checkOptions: (options): string[] => [
    ...unknownOptions(options, OPTIONS),
    ...checkWords(options['words']),
    ...texts('missing', options['missing']),
    ...oneOf('text', options['text'], ['keep', 'refuse']),
    ...(options['unit'] === 'split' ? [] : texts('unit', options['unit'], 'split')),
    ...oneOf('decimal', options['decimal'], ['.', ',']),
  ],
  create: (options): PayloadDecoder => new ScalarDecoder(options),
};
