type Texts = Readonly<Record<string, string>>;

/** Names of a record that is kept to be shared, and characters of it: beyond them it is not worth its room. */
const [NAMES, CHARACTERS] = [16, 256];

/**
 * The last record of texts (units, tags), in the place of a new one that says the same in the same order: readings share it, so there is
 * less to hold for each that is on its way, and what is made of a record can be kept by identity.
 */
export class SharedTexts {
  private last: Texts | undefined;
  private names: string[] = [];
  private texts: string[] = [];

  /** `texts`, or a record like it. */
  of(texts: Texts): Texts {
    const { last } = this;
    if (last !== undefined && this.same(texts)) return last;
    this.names = Object.keys(texts);
    this.texts = Object.values(texts);
    const characters = this.names.join('').length + this.texts.join('').length;
    this.last = this.names.length <= NAMES && characters <= CHARACTERS ? texts : undefined;
    if (this.last === undefined) this.names = this.texts = [];
    return texts;
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
