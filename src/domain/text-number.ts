/** `plain`: a text that is a number becomes one. `unit`: also a number with a unit behind it. */
export type TextNumbers = 'none' | 'plain' | 'unit';

export interface NumberFromText {
  readonly value: number | bigint;
  /** As it was written. */
  readonly unit: string | undefined;
}

/** Longer texts are no measurement, and the work on each is bounded. */
const LONGEST = 64;
/** More digits are an identifier. */
const INTEGER_DIGITS = 40;

// JSON's numbers (RFC 8259 section 6) and a plus sign: `007` and `0x1F` are identifiers and stay texts.
const PLAIN = /^ *([+-]?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?) *$/;
// The unit begins with a letter or a sign and has no digits but the power at its end: `m3`, `kWh`, `°C`, `%`; not `x1F`, `:30`, `-01`.
const WITH_UNIT = /^ *([+-]?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?) *((?:[\p{L}%\u00b0\u2030"'][\p{L}%\u00b0/.*^[\]"']{0,15})[23\u00b2\u00b3]?)? *$/u;

/** undefined where the text is no number. An integer that a double cannot hold exactly is a bigint. */
export function numberFromText(text: string, mode: TextNumbers): NumberFromText | undefined {
  if (mode === 'none' || text.length > LONGEST) {
    return undefined;
  }
  const found = (mode === 'unit' ? WITH_UNIT : PLAIN).exec(text);
  if (found === null) {
    return undefined;
  }
  const digits = found[1] as string;
  const unit = found[4];
  const value = Number(digits);
  if (Number.isSafeInteger(value) || found[2] !== undefined || found[3] !== undefined) {
    return Number.isFinite(value) ? { value, unit } : undefined;
  }
  const plain = digits.startsWith('+') ? digits.slice(1) : digits;
  return plain.length > INTEGER_DIGITS ? undefined : { value: BigInt(plain), unit };
}
