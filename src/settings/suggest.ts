/** Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The known name that was probably meant, or undefined when none is near: at most one wrong letter in three. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Names are short; a long word is no misspelling of one, and the table would grow with it.
  if (word.length > 64) return undefined;
  const plain = (s: string): string => s.toLowerCase().replaceAll(/[-_ ]/g, '');
  const wanted = plain(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of known) {
    const d = distance(wanted, plain(name));
    if (d < least) {
      least = d;
      best = name;
    }
  }
  return best;
}

/** A hint for a name that is not known: what was probably meant, or what there is. */
export function hintFor(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return known.length === 0 ? 'there are none' : `known here: ${known.slice(0, 24).join(', ')}${known.length > 24 ? ', ...' : ''}`;
}
