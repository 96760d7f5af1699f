interface Node<V> {
  readonly children: Map<string, Node<V>>;
  /** By owner: values whose filter ends here, and those whose filter ends here with `#` behind. */
  readonly ends: Map<string | number, V>;
  readonly rests: Map<string | number, V>;
}

function node<V>(): Node<V> {
  return { children: new Map(), ends: new Map(), rests: new Map() };
}

/** The levels of a filter, but for `#` at its end. */
function split(filter: string): { readonly levels: readonly string[]; readonly rest: boolean } {
  const levels = filter.split('/');
  const rest = levels.at(-1) === '#';
  if (rest) levels.pop();
  return { levels, rest };
}

/**
 * Values by MQTT topic filters (MQTT 4.7), and by an owner who has one value at most under each filter: a look-up goes where the levels
 * of the topic and the wildcards lead, however many there are. Any text is taken for a filter.
 */
export class FilterTree<V> {
  size = 0;
  /** How often it was added to. */
  added = 0;
  private readonly root: Node<V> = node();

  set(filter: string, owner: string | number, value: V): void {
    let at = this.root;
    const { levels, rest } = split(filter);
    for (const level of levels) {
      let next = at.children.get(level);
      if (next === undefined) {
        next = node();
        at.children.set(level, next);
      }
      at = next;
    }
    const values = rest ? at.rests : at.ends;
    if (!values.has(owner)) this.size += 1;
    values.set(owner, value);
    this.added += 1;
  }

  delete(filter: string, owner: string | number): void {
    const { levels, rest } = split(filter);
    const way: Node<V>[] = [this.root];
    for (const level of levels) {
      const next = way.at(-1)?.children.get(level);
      if (next === undefined) return;
      way.push(next);
    }
    const last = way.at(-1) as Node<V>;
    if (!(rest ? last.rests : last.ends).delete(owner)) return;
    this.size -= 1;
    for (let i = way.length - 1; i > 0; i -= 1) {
      const { children, ends, rests } = way[i] as Node<V>;
      if (children.size + ends.size + rests.size > 0) return;
      way[i - 1]?.children.delete(levels[i - 1] as string);
    }
  }

  /**
   * The values of all filters that match, in no order; one that stands under several of them comes several times. `#` stands for the
   * level above as well, and wildcards in front match nothing that begins with `$` (MQTT-4.7.2-1).
   */
  match(topic: string): V[] {
    const found: V[] = [];
    const levels = topic.split('/');
    const hidden = topic.startsWith('$');
    const visit = (at: Node<V>, depth: number): void => {
      if (!(hidden && depth === 0)) found.push(...at.rests.values());
      const level = levels[depth];
      if (level === undefined) {
        found.push(...at.ends.values());
        return;
      }
      const any = hidden && depth === 0 ? undefined : at.children.get('+');
      if (any !== undefined) visit(any, depth + 1);
      const named = at.children.get(level);
      if (named !== undefined && level !== '+') visit(named, depth + 1);
    };
    visit(this.root, 0);
    return found;
  }
}
