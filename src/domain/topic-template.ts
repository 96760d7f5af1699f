import { emptyBag } from './bag.ts';
import { type Compiled, compiled, refused } from './compiled.ts';

/** One level of a template or filter. `rest` takes what is left of the topic; `none` says whether that may be nothing. */
type Level =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one'; readonly capture: string | undefined }
  | { readonly kind: 'rest'; readonly capture: string | undefined; readonly none: boolean };

/** A topic with named captures, `devices/{device}/telemetry` or `{site}/+/{device}/{channel...}`, ready to match. */
export interface TopicTemplate {
  readonly text: string;
  readonly levels: readonly Level[];
  readonly captures: readonly string[];
}

const CAPTURE = /^\{([A-Za-z_][A-Za-z0-9_-]*)(\.\.\.)?\}$/;

function compileLevel(text: string, last: boolean): Compiled<Level> {
  if (text === '+') {
    return compiled({ kind: 'one', capture: undefined });
  }
  if (text === '#') {
    return last ? compiled({ kind: 'rest', capture: undefined, none: true }) : refused('# may only be the last level');
  }
  const capture = CAPTURE.exec(text);
  if (capture !== null) {
    const name = capture[1] as string;
    if (capture[2] === undefined) {
      return compiled({ kind: 'one', capture: name });
    }
    return last ? compiled({ kind: 'rest', capture: name, none: false }) : refused(`{${name}...} may only be the last level`);
  }
  if (/[{}]/.test(text)) {
    return refused(`"${text}" is not a capture: it must fill its level and be named by letters, digits, _ or -, as {device}`);
  }
  // MQTT-4.7.1-2 and MQTT-4.7.1-3: a wildcard occupies an entire level.
  if (/[+#]/.test(text)) {
    return refused(`+ and # must fill a level of their own, unlike in "${text}"`);
  }
  if (/\p{Cc}/u.test(text)) {
    return refused('a control character can never be in a topic');
  }
  return compiled({ kind: 'literal', text });
}

/**
 * `{name}` takes one level, `{name...}` as the last level one or more, `+` one level without a name, `#` as the last
 * level the rest or nothing. Empty levels are levels (MQTT-4.7.3), so a capture may come out empty.
 */
export function compileTopicTemplate(text: string): Compiled<TopicTemplate> {
  if (text === '') {
    return refused('the template is empty');
  }
  const levels: Level[] = [];
  const captures: string[] = [];
  const parts = text.split('/');
  for (const [i, part] of parts.entries()) {
    const level = compileLevel(part, i === parts.length - 1);
    if (!level.ok) {
      return refused(`topic template "${text}": ${level.problem}`);
    }
    levels.push(level.value);
    if (level.value.kind !== 'literal' && level.value.capture !== undefined) {
      if (captures.includes(level.value.capture)) {
        return refused(`topic template "${text}": {${level.value.capture}} stands twice`);
      }
      captures.push(level.value.capture);
    }
  }
  return compiled({ text, levels, captures });
}

interface Leaf<T> {
  readonly order: number;
  readonly template: TopicTemplate;
  readonly value: T;
}

/** Leaves are sorted by order, so the first that fits is the best of its list. */
interface Node<T> {
  literals: Map<string, Node<T>> | undefined;
  one: Node<T> | undefined;
  ends: readonly Leaf<T>[];
  rests: readonly Leaf<T>[];
}

export interface TopicMatch<T> {
  readonly value: T;
  readonly template: TopicTemplate;
  /** Capture name -> text; prototype-less. */
  readonly captures: Readonly<Record<string, string>>;
}

/** Most nodes have none: templates with a level of their own have a branch of their own. */
const NO_LEAVES: readonly never[] = [];

function node<T>(): Node<T> {
  return { literals: undefined, one: undefined, ends: NO_LEAVES, rests: NO_LEAVES };
}

/**
 * Many templates in one tree: the first in order that matches wins, whatever the others are. A look-up walks at most
 * the nodes that the topic's levels reach, not the list of templates (230 ns for 500 of them; a list took 125 us).
 */
export class TopicTree<T> {
  private readonly root: Node<T> = node();

  constructor(entries: readonly { readonly template: TopicTemplate; readonly value: T }[]) {
    for (const [order, { template, value }] of entries.entries()) {
      this.add({ order, template, value });
    }
  }

  find(topic: string): TopicMatch<T> | undefined {
    const levels = topic.split('/');
    const leaf = this.best(this.root, levels, 0, undefined);
    return leaf === undefined ? undefined : { value: leaf.value, template: leaf.template, captures: capture(leaf.template, levels) };
  }

  private add(leaf: Leaf<T>): void {
    let at = this.root;
    for (const level of leaf.template.levels) {
      if (level.kind === 'rest') {
        at.rests = [...at.rests, leaf];
        return;
      }
      let next = level.kind === 'literal' ? at.literals?.get(level.text) : at.one;
      if (next === undefined) {
        next = node();
        if (level.kind === 'literal') {
          at.literals ??= new Map();
          at.literals.set(level.text, next);
        } else {
          at.one = next;
        }
      }
      at = next;
    }
    at.ends = [...at.ends, leaf];
  }

  private best(at: Node<T>, levels: readonly string[], depth: number, found: Leaf<T> | undefined): Leaf<T> | undefined {
    let best = earliest(at.rests, levels, found);
    if (depth === levels.length) {
      return earliest(at.ends, levels, best);
    }
    const text = levels[depth] as string;
    const literal = at.literals?.get(text);
    if (literal !== undefined) {
      best = this.best(literal, levels, depth + 1, best);
    }
    return at.one === undefined ? best : this.best(at.one, levels, depth + 1, best);
  }
}

function earliest<T>(leaves: readonly Leaf<T>[], levels: readonly string[], found: Leaf<T> | undefined): Leaf<T> | undefined {
  for (const leaf of leaves) {
    if (found !== undefined && found.order < leaf.order) {
      return found;
    }
    if (fits(leaf.template, levels)) {
      return leaf;
    }
  }
  return found;
}

/** What the tree does not know: the conditions on what wildcards take. */
function fits(template: TopicTemplate, levels: readonly string[]): boolean {
  const first = template.levels[0] as Level;
  // MQTT-4.7.2-1: a wildcard at the beginning does not reach into `$SYS` and its like.
  if (first.kind !== 'literal' && (levels[0] as string).startsWith('$')) {
    return false;
  }
  const last = template.levels.at(-1) as Level;
  return last.kind !== 'rest' || last.none || levels.length >= template.levels.length;
}

function capture(template: TopicTemplate, levels: readonly string[]): Record<string, string> {
  const captures = emptyBag<string>();
  for (const [i, level] of template.levels.entries()) {
    if (level.kind !== 'literal' && level.capture !== undefined) {
      captures[level.capture] = level.kind === 'one' ? (levels[i] as string) : levels.slice(i).join('/');
    }
  }
  return captures;
}

/** Problem of an MQTT topic filter, as a sentence; undefined when it is good. */
export function topicFilterProblem(filter: string): string | undefined {
  if (/[{}]/.test(filter)) {
    return `topic filter "${filter}": captures are for profiles; a filter has + and # alone`;
  }
  const template = compileTopicTemplate(filter);
  return template.ok ? undefined : template.problem.replace('topic template', 'topic filter');
}

/** A matcher for one MQTT topic filter (MQTT-4.7). Throws TypeError on a filter that `topicFilterProblem` refuses. */
export function compileTopicFilter(filter: string): (topic: string) => boolean {
  const problem = topicFilterProblem(filter);
  if (problem !== undefined) {
    throw new TypeError(problem);
  }
  if (!/[+#]/.test(filter)) {
    return (topic) => topic === filter;
  }
  const levels = filter.split('/');
  const rest = levels.at(-1) === '#';
  const fixed = rest ? levels.slice(0, -1) : levels;
  const wild = levels[0] === '+' || levels[0] === '#';
  return (topic) => !(wild && topic.startsWith('$')) && matchesLevels(fixed, rest, topic);
}

function matchesLevels(fixed: readonly string[], rest: boolean, topic: string): boolean {
  let from = 0;
  for (const level of fixed) {
    if (from > topic.length) {
      return false;
    }
    const slash = topic.indexOf('/', from);
    const to = slash === -1 ? topic.length : slash;
    if (level !== '+' && !(to - from === level.length && topic.startsWith(level, from))) {
      return false;
    }
    from = to + 1;
  }
  // All of the topic was walked over, or `#` takes the rest (MQTT-4.7.1-2: nothing included).
  return rest || from === topic.length + 1;
}
