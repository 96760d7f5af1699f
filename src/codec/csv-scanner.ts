export interface CsvSigns {
  readonly delimiter: string;
  readonly quote: string | undefined;
  readonly comment: string | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const NONE = -1;

/** Walks over CSV text row by row, forward only. */
export class CsvScanner {
  readonly text: string;
  at = 0;
  /** Of the row read last: the fields without their quotes, and which had them. */
  readonly fields: string[] = [];
  readonly quoted: boolean[] = [];
  private readonly delimiter: number;
  private readonly quote: number;
  private readonly quoteSign: string;
  private readonly comment: number;
  private readonly most: number;

  /** `most`: fields of one row. */
  constructor(text: string, signs: CsvSigns, most: number) {
    this.text = text;
    this.most = most;
    this.delimiter = signs.delimiter.charCodeAt(0);
    this.quote = signs.quote?.charCodeAt(0) ?? NONE;
    this.quoteSign = signs.quote ?? '';
    this.comment = signs.comment?.charCodeAt(0) ?? NONE;
  }

  skipLine(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end === -1 ? this.text.length : end + 1;
  }

  /** Passes over blank lines and comments. False: there is no further row. */
  nextRow(): boolean {
    const { text } = this;
    while (this.at < text.length) {
      if (text.charCodeAt(this.at) === this.comment) {
        this.skipLine();
      } else if (!this.lineEnd()) {
        return true;
      }
    }
    return false;
  }

  /** Reads one row up to its line end. Answers what is wrong with it, `fields` where it has too many; undefined for nothing. */
  row(): string | undefined {
    this.fields.length = 0;
    this.quoted.length = 0;
    for (;;) {
      if (this.fields.length >= this.most) {
        return 'fields';
      }
      const problem = this.text.charCodeAt(this.at) === this.quote ? this.quotedField() : this.plainField();
      if (problem !== undefined || this.at >= this.text.length) {
        return problem;
      }
      if (this.text.charCodeAt(this.at) !== this.delimiter) {
        return this.lineEnd() ? undefined : 'a closing quote must be followed by a delimiter or the end of the line';
      }
      this.at += 1;
    }
  }

  private plainField(): string | undefined {
    const { text } = this;
    const start = this.at;
    let i = start;
    for (; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === this.delimiter || code === LF) {
        break;
      }
      if (code === this.quote) {
        return this.stop(i, 'a quote inside of a field that does not begin with one');
      }
      if (code === CR) {
        if (i + 1 < text.length && text.charCodeAt(i + 1) !== LF) {
          return this.stop(i, 'a carriage return that does not end a line');
        }
        break;
      }
    }
    this.fields.push(text.slice(start, i));
    this.quoted.push(false);
    this.at = i;
    return undefined;
  }

  private quotedField(): string | undefined {
    const { text, quote, quoteSign } = this;
    const start = this.at;
    let doubled = false;
    let end = text.indexOf(quoteSign, start + 1);
    while (end !== -1 && text.charCodeAt(end + 1) === quote) {
      doubled = true;
      end = text.indexOf(quoteSign, end + 2);
    }
    if (end === -1) {
      return 'the closing quote of a field is missing';
    }
    const raw = text.slice(start + 1, end);
    this.fields.push(doubled ? raw.replaceAll(quoteSign + quoteSign, quoteSign) : raw);
    this.quoted.push(true);
    this.at = end + 1;
    return undefined;
  }

  /** Takes LF, CR LF, or a CR at the end of the text. */
  private lineEnd(): boolean {
    const cr = this.text.charCodeAt(this.at) === CR ? 1 : 0;
    const atEnd = cr === 1 && this.at + 1 >= this.text.length;
    if (!atEnd && this.text.charCodeAt(this.at + cr) !== LF) {
      return false;
    }
    this.at += atEnd ? 1 : cr + 1;
    return true;
  }

  private stop(at: number, problem: string): string {
    this.at = at;
    return problem;
  }
}
