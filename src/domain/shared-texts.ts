import { emptyBag } from './bag.ts';

type Texts = Readonly<Record<string, string>>;

/** Names of a record that is kept to be shared, and characters of it: beyond them it is not worth its room. */
const [NAMES, CHARACTERS] = [16, 256];

const NONE: readonly string[] = [];

/**
 * The last record of texts (units, tags), in the place of a new one that says the same in the same order: readings share it, so there is
 * less to hold for each that is on its way, and what is made of a record can be kept by identity.
 */
export class SharedTexts {
  private last: Texts | undefined;
  private names: readonly string[] = NONE;
  private texts: readonly string[] = NONE;
  /** So many pairs of the record that is being told are those of the last one; */
  private alike = 0;
  /** unless it is another one, which is here then. */
  private other: Record<string, string> | undefined;

  /** `texts`, or a record like it. A large one costs no more than the part that is small enough. */
  of(texts: Texts): Texts {
    if (this.last !== undefined && this.same(texts)) return this.last;
    this.last = undefined;
    let room = CHARACTERS;
    let count = 0;
    for (const name in texts) {
      room -= name.length + (texts[name] as string).length;
      count += 1;
      if (room < 0 || count > NAMES) return texts;
    }
    // Not filled one by one: V8 makes room for 17 then, and every topic has two of these.
    this.names = Object.keys(texts);
    this.texts = Object.values(texts);
    this.last = texts;
    return texts;
  }

  /** A record is told, name by name, so that it need not be made where it says the same as the last one. */
  begin(): void {
    this.alike = 0;
    this.other = undefined;
  }

  /** No name comes twice. */
  add(name: string, text: string): void {
    const { alike } = this;
    if (this.other === undefined && this.last !== undefined && this.names[alike] === name && this.texts[alike] === text) {
      this.alike = alike + 1;
      return;
    }
    this.other ??= this.told();
    this.other[name] = text;
  }

  /** The record that was told; undefined where it has no names. */
  end(): Texts | undefined {
    if (this.other === undefined) {
      if (this.alike === 0) return undefined;
      if (this.alike === this.names.length) return this.last;
    }
    return this.of(this.other ?? this.told());
  }

  private told(): Record<string, string> {
    const record = emptyBag<string>();
    for (let i = 0; i < this.alike; i += 1) record[this.names[i] as string] = this.texts[i] as string;
    return record;
  }

  /** Whether this is the record that the next one may be replaced by. */
  keeps(texts: Texts): boolean {
    return this.last === texts;
  }

  private same(other: Texts): boolean {
    const { names, texts } = this;
    let at = 0;
    for (const name in other) {
      if (names[at] !== name || texts[at] !== other[name]) return false;
      at += 1;
    }
    return at === names.length;
  }
}
