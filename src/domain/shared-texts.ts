import { emptyBag } from './bag.ts';

type Texts = Readonly<Record<string, string>>;

/** Names of a record that is shared, and characters of it: beyond them it is not worth its room. */
const [NAMES, CHARACTERS] = [16, 256];
/** Pairs that are kept, about 0.25 kB each. With more of them all are forgotten: some device says something new each time. */
const PAIRS = 4096;

/** A name and its text behind those that came before it in a record. */
interface Pair {
  readonly name: string;
  readonly text: string;
  readonly before: Pair | undefined;
  /** Names and characters of the record so far. */
  readonly names: number;
  readonly characters: number;
  /** What came behind it last; mostly nothing else does. */
  next: Pair | undefined;
  /** All that came behind it, where there are several. */
  others: Map<string, Pair> | undefined;
  /** The record that ends here. */
  record: Texts | undefined;
}

/**
 * Records of texts (units, tags) that say the same in the same order are one record: there is less to hold, and what is made of a
 * record can be kept by identity. A tree of the pairs that were told, so that to tell a record again makes nothing.
 */
export class SharedTexts {
  private root = pair('', '', undefined);
  private pairs = 0;
  private at = this.root;
  /** The record that is being told, where it is too large to be shared. */
  private other: Record<string, string> | undefined;

  /** `texts`, or the record that says the same. A large one costs no more than the part that is small enough. */
  of(texts: Texts): Texts {
    this.begin();
    for (const name in texts) {
      this.add(name, texts[name] as string);
      if (this.other !== undefined) return texts;
    }
    return (this.at.record ??= texts);
  }

  /** A record is told, name by name, so that it need not be made where it was told before. */
  begin(): void {
    this.at = this.root;
    this.other = undefined;
  }

  /** No name comes twice. */
  add(name: string, text: string): void {
    if (this.other === undefined) {
      const { next } = this.at;
      const step = next !== undefined && next.name === name && next.text === text ? next : this.step(name, text);
      if (step !== undefined) {
        this.at = step;
        return;
      }
      this.other = recordOf(this.at);
    }
    this.other[name] = text;
  }

  /** The record that was told; undefined where it has no names. */
  end(): Texts | undefined {
    if (this.other !== undefined) return this.other;
    const { at } = this;
    return at.before === undefined ? undefined : (at.record ??= recordOf(at));
  }

  /** Whether this is the record in whose place all that say the same are put. */
  keeps(texts: Texts): boolean {
    return this.of(texts) === texts && this.other === undefined;
  }

  /** To a pair that was not the last one here; undefined where the record gets too large. */
  private step(name: string, text: string): Pair | undefined {
    const { at } = this;
    const key = `${name.length} ${name}${text}`;
    let step = at.others?.get(key);
    if (step === undefined) {
      if (at.names === NAMES || at.characters + name.length + text.length > CHARACTERS) return undefined;
      // What is told at the moment goes on in the old tree.
      if (this.pairs >= PAIRS) this.forget();
      step = pair(name, text, at);
      this.pairs += 1;
      if (at.next !== undefined) at.others ??= new Map([[`${at.next.name.length} ${at.next.name}${at.next.text}`, at.next]]);
      at.others?.set(key, step);
    }
    at.next = step;
    return step;
  }

  private forget(): void {
    this.root = pair('', '', undefined);
    this.pairs = 0;
  }
}

function pair(name: string, text: string, before: Pair | undefined): Pair {
  const characters = (before?.characters ?? 0) + name.length + text.length;
  return { name, text, before, names: before === undefined ? 0 : before.names + 1, characters, next: undefined, others: undefined, record: undefined };
}

function recordOf(last: Pair): Record<string, string> {
  const pairs: Pair[] = [];
  for (let at = last; at.before !== undefined; at = at.before) pairs.push(at);
  const record = emptyBag<string>();
  for (const { name, text } of pairs.toReversed()) record[name] = text;
  return record;
}
