import type { Qos } from './packets.ts';

interface Node {
  readonly children: Map<string, Node>;
  /** By client: those whose filter ends here, and those whose filter ends here with `#` behind. */
  readonly ends: Map<string, Leaf>;
  readonly rests: Map<string, Leaf>;
}

/** One subscription; `qos` is above 0. */
export interface Leaf {
  readonly clientId: string;
  readonly topic: string;
  readonly qos: Qos;
  readonly rh?: number | undefined;
  readonly rap?: boolean | undefined;
  readonly nl?: boolean | undefined;
}

function node(): Node {
  return { children: new Map(), ends: new Map(), rests: new Map() };
}

/** Subscriptions of all sessions by their filters: a look-up goes where the levels of the topic and wildcards lead, however many there are. */
export class FilterTree {
  size = 0;
  /** How often it was added to. */
  added = 0;
  private readonly root: Node = node();

  set(leaf: Leaf): void {
    let at = this.root;
    const levels = leaf.topic.split('/');
    const rest = levels.at(-1) === '#';
    if (rest) levels.pop();
    for (const level of levels) {
      let next = at.children.get(level);
      if (next === undefined) {
        next = node();
        at.children.set(level, next);
      }
      at = next;
    }
    const leaves = rest ? at.rests : at.ends;
    if (!leaves.has(leaf.clientId)) this.size += 1;
    leaves.set(leaf.clientId, leaf);
    this.added += 1;
  }

  delete(clientId: string, filter: string): void {
    const levels = filter.split('/');
    const rest = levels.at(-1) === '#';
    if (rest) levels.pop();
    const way: Node[] = [this.root];
    for (const level of levels) {
      const next = way.at(-1)?.children.get(level);
      if (next === undefined) return;
      way.push(next);
    }
    const last = way.at(-1) as Node;
    if (!(rest ? last.rests : last.ends).delete(clientId)) return;
    this.size -= 1;
    for (let i = way.length - 1; i > 0; i -= 1) {
      const { children, ends, rests } = way[i] as Node;
      if (children.size + ends.size + rests.size > 0) return;
      way[i - 1]?.children.delete(levels[i - 1] as string);
    }
  }

  /** MQTT 4.7: `#` stands for the level above as well, and wildcards in front match nothing that begins with `$`. */
  match(topic: string): Leaf[] {
    const found: Leaf[] = [];
    const levels = topic.split('/');
    const hidden = topic.startsWith('$');
    const visit = (at: Node, depth: number): void => {
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
