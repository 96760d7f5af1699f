/** What ends a token, and what a backslash in front of takes its meaning from. A backslash before anything else is a backslash. */
export interface TokenRule {
  /** By character code below 128: 1 ends the token. */
  readonly ends: Uint8Array;
  readonly escaped: string;
  readonly unescape: RegExp;
}

const BACKSLASH = 0x5c;
const CONTROLS = String.fromCharCode(...Array.from({ length: 32 }, (_, code) => code), 0x7f);

function rule(ends: string, escaped: string, unescape: RegExp): TokenRule {
  const table = new Uint8Array(128);
  for (let i = 0; i < ends.length; i += 1) {
    table[ends.charCodeAt(i)] = 1;
  }
  return { ends: table, escaped, unescape };
}

/** Control characters end a name, and nothing may follow it that begins with one: they are refused. */
export const MEASUREMENT = rule(`, ${CONTROLS}`, ', ', /\\([, ])/g);
/** Tag keys and field keys. */
export const NAME = rule(`,= ${CONTROLS}`, ',= ', /\\([,= ])/g);
/** Tag values, which may hold control characters but for line ends. */
export const TAG_VALUE = rule(',= \r\n', ',= ', /\\([,= ])/g);
/** The inside of a text: everything but the quote, line ends included. */
export const TEXT = rule('"', '"\\', /\\(["\\])/g);
/** Numbers and booleans. */
export const PLAIN = rule(', \r\n', '', /(?!)/g);

/** A comment: anything but control characters. */
export const COMMENT = rule(CONTROLS, '', /(?!)/g);

/** A place in a text that moves forward only. */
export class LineScanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The character code at the place; NaN at the end. */
  get next(): number {
    return this.text.charCodeAt(this.at);
  }

  /** Takes what the rule allows, escapes resolved; may be empty. */
  take({ ends, escaped, unescape }: TokenRule): string {
    const { text } = this;
    const start = this.at;
    let i = start;
    let escapes = false;
    for (; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === BACKSLASH) {
        if (i + 1 < text.length && escaped.includes(text.charAt(i + 1))) {
          escapes = true;
          i += 1;
        }
      } else if (code < 128 && ends[code] === 1) {
        break;
      }
    }
    this.at = i;
    const raw = text.slice(start, i);
    return escapes ? raw.replace(unescape, '$1') : raw;
  }

  spaces(): void {
    while (this.next === 0x20) {
      this.at += 1;
    }
  }

  /** Takes the end of the line: LF, CR LF, the end of the text, or a CR right before it. */
  lineEnd(): boolean {
    const code = this.next;
    const cr = code === 0x0d ? 1 : 0;
    const atEnd = this.at + cr >= this.text.length;
    if (!atEnd && this.text.charCodeAt(this.at + cr) !== 0x0a) {
      return false;
    }
    this.at += atEnd ? cr : cr + 1;
    return true;
  }

  /** Line and column of a place, from 1, for a person. */
  place(at: number): string {
    let line = 1;
    let start = 0;
    for (let end = this.text.indexOf('\n'); end !== -1 && end < at; end = this.text.indexOf('\n', start)) {
      line += 1;
      start = end + 1;
    }
    return `line ${line}, column ${at - start + 1}`;
  }
}
