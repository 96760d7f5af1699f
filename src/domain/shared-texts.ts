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
