type Texts = Readonly<Record<string, string>>;

/** Names of a record that is kept to be shared, and characters of it: beyond them it is not worth its room. */
const [NAMES, CHARACTERS] = [16, 256];

/**
 * The last record of texts (units, tags), in the place of a new one that says the same in the same order: readings share it, so there is
 * less to hold for each that is on its way, and what is made of a record can be kept by identity.
 */
export class SharedTexts {
  private last: Texts | undefined;
  private names: readonly string[] = [];
  private texts: readonly string[] = [];

  /** `texts`, or a record like it. A large one costs no more than the part that is small enough. */
  of(texts: Texts): Texts {
    if (this.last !== undefined && this.same(texts)) return this.last;
    this.last = undefined;
    const names: string[] = [];
    const kept: string[] = [];
    let room = CHARACTERS;
    for (const name in texts) {
      const text = texts[name] as string;
      room -= name.length + text.length;
      if (room < 0 || names.length === NAMES) return texts;
      names.push(name);
      kept.push(text);
    }
    this.names = names;
    this.texts = kept;
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
