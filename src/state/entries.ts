import { encodeLine } from './state-line.ts';

/** A state with its name, as it stands in the file. Larger ones are not what this is for. */
export const MOST_LINE_BYTES = 16_777_216;

/** One line for the log; not `live`: it says that the name has no state. */
export interface Entry {
  readonly name: string;
  readonly live: boolean;
  readonly line: Buffer;
}

/** A state that cannot be made or is too large becomes none; `problem` is one of the reasons. Names that `has` does not know need not be forgotten. */
export function entriesOf(
  states: Iterable<readonly [string, () => unknown]>,
  has: (name: string) => boolean,
): { readonly entries: Entry[]; readonly problem: unknown } {
  const entries: Entry[] = [];
  let problem: unknown;
  for (const [name, state] of states) {
    let entry: Entry;
    try {
      entry = entryOf(name, JSON.stringify(state()));
      if (entry.line.length > MOST_LINE_BYTES) throw new Error(`the state ${JSON.stringify(name)} is larger than ${MOST_LINE_BYTES} bytes`);
    } catch (error) {
      problem = error;
      entry = entryOf(name, undefined);
    }
    if (entry.live || has(name)) entries.push(entry);
  }
  return { entries, problem };
}

/** `state`: as JSON, undefined for none. */
function entryOf(name: string, state: string | undefined): Entry {
  return { name, live: state !== undefined, line: encodeLine(name, state) };
}
