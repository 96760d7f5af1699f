import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml';
import type { YamlFile } from './document.ts';
import { interpolate, type Sources } from './interpolate.ts';
import type { Path, Place, Places, Problems } from './problem.ts';
import { defaultOf, isRequired, type Shape, tableOf } from './shape.ts';
import { hintFor } from './suggest.ts';
import { checkNumber, checkText, readNumber, readScalar } from './check-scalar.ts';

/** What has no usable value; the problem is already told. */
const NOTHING = undefined;

/**
 * Checks a YAML file against a shape, fills in defaults and notes where everything stands. Goes on after a problem,
 * so that all of them are told at once: what could not be used is left out of the answer, and the caller asks
 * `problems.failedAt` before it believes a part.
 */
export class Checker {
  private readonly yaml: YamlFile;
  private readonly sources: Sources;
  private readonly places: Places;
  private readonly problems: Problems;
  private readonly seenAs: (path: Path) => Path;

  /** `seenAs`: the place in the settings as a whole that a path of this file has. */
  constructor(yaml: YamlFile, sources: Sources, places: Places, problems: Problems, seenAs: (path: Path) => Path = (path) => path) {
    this.yaml = yaml;
    this.sources = sources;
    this.places = places;
    this.problems = problems;
    this.seenAs = seenAs;
  }

  /** `node` is null where the file is empty. */
  check(shape: Shape, node: Node | null, path: Path): unknown {
    if (node !== null) this.places.set(this.seenAs(path), this.placeOf(node));
    const found = this.follow(node, path);
    if (found === NOTHING) return NOTHING;
    if (found === null || (isScalar(found) && found.value === null)) return this.empty(shape, found ?? node, path);
    if (shape.free === true) return isMap(found) ? this.data(found, path) : this.wrongKind(shape, found, path);
    if (shape.anyOf !== undefined) return this.union(shape, shape.anyOf, found, path);
    if (shape.properties !== undefined) return this.object(shape, shape.properties, found, path);
    const values = tableOf(shape);
    if (values !== undefined) return this.table(shape, values, found, path);
    if (shape.items !== undefined) return this.list(shape, shape.items, found, path);
    if (!isScalar(found)) return this.wrongKind(shape, found, path);
    return this.scalar(shape, found, path);
  }

  private placeOf(node: Node): Place {
    return this.yaml.place(node.range?.[0] ?? 0);
  }

  private error(at: Node | Place | null, path: Path, message: string, hint?: string): undefined {
    const place = at === null ? this.places.of(this.seenAs(path)) : 'line' in at ? at : this.placeOf(at);
    this.problems.add('error', place, this.seenAs(path), message, hint);
    return NOTHING;
  }

  private follow(node: Node | null, path: Path): Node | null | undefined {
    if (!isAlias(node)) return node;
    const target = node.resolve(this.yaml.document);
    if (target !== undefined) return target;
    return this.error(node, path, 'there is no anchor of this name above', 'a text that begins with * must stand in quotes');
  }

  private empty(shape: Shape, node: Node | null, path: Path): unknown {
    if (path.length === 0 && shape.properties !== undefined) {
      for (const key of Object.keys(shape.properties)) if (isRequired(shape, key)) this.missing(path, key);
      return defaultOf(shape);
    }
    // `dedupe:` with every line below it commented out means: the defaults.
    if (shape.properties !== undefined && shape.default !== undefined) return defaultOf(shape);
    return this.error(node, path, 'has no value', 'write a value, or leave the key out');
  }

  private missing(path: Path, key: string): void {
    this.error(this.places.of(this.seenAs(path)), [...path, key], `"${key}" is missing`);
  }

  private union(shape: Shape, choices: readonly Shape[], node: Node, path: Path): unknown {
    if (isScalar(node)) {
      const scalars = choices.filter((c) => c.type === 'string' || c.type === 'number' || c.type === 'boolean');
      const [only] = scalars;
      if (scalars.length === 1 && only !== undefined) return this.scalar(only, node, path);
      if (scalars.length > 1) return this.anyScalar(node, path);
    }
    const list = choices.find((c) => c.items !== undefined);
    if (isSeq(node) && list !== undefined) return this.check(list, node, path);
    const table = choices.find((c) => tableOf(c) !== undefined || c.properties !== undefined);
    if (isMap(node) && table !== undefined) return this.check(table, node, path);
    return this.wrongKind(shape, node, path);
  }

  private object(shape: Shape, properties: Readonly<Record<string, Shape>>, node: Node, path: Path): unknown {
    if (!isMap(node)) return this.wrongKind(shape, node, path);
    const out: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const { name, key, value } of this.pairs(node, path)) {
      const inner = properties[name];
      if (!Object.hasOwn(properties, name) || inner === undefined) {
        const hint = name === '<<' ? 'merge keys are not part of YAML 1.2' : hintFor(name, Object.keys(properties));
        this.error(key, [...path, name], `unknown key "${name}"`, hint);
        continue;
      }
      seen.add(name);
      const checked = this.check(inner, value, [...path, name]);
      if (checked !== NOTHING) out[name] = checked;
    }
    for (const [name, inner] of Object.entries(properties)) {
      if (seen.has(name)) continue;
      if (inner.default !== undefined) out[name] = defaultOf(inner);
      else if (isRequired(shape, name)) this.missing(path, name);
    }
    return out;
  }

  /** Keys of a map as texts; each once. */
  private *pairs(node: YAMLMap, path: Path): Generator<{ name: string; key: Place; value: Node | null }> {
    const first = new Map<string, Place>();
    for (const { key, value } of node.items) {
      const raw = this.follow(key as Node | null, path);
      const place = key === null ? this.placeOf(node) : this.placeOf(key as Node);
      if (!isScalar(raw) || !['string', 'number', 'boolean'].includes(typeof raw.value)) {
        this.error(place, path, 'a key must be a text');
        continue;
      }
      const name = typeof raw.value === 'string' ? raw.value : (raw.source ?? '');
      const before = first.get(name);
      if (before !== undefined) {
        this.error(place, [...path, name], `key "${name}" stands here twice`, `the first is in line ${before.line}`);
        continue;
      }
      first.set(name, place);
      // A key without a value is reported at the key.
      if (value === null) this.places.set(this.seenAs([...path, name]), place);
      yield { name, key: place, value: value as Node | null };
    }
  }

  private table(shape: Shape, values: Shape, node: Node, path: Path): unknown {
    if (!isMap(node)) return this.wrongKind(shape, node, path);
    const out: [string, unknown][] = [];
    for (const { name, value } of this.pairs(node, path)) {
      const checked = this.check(values, value, [...path, name]);
      if (checked !== NOTHING) out.push([name, checked]);
    }
    return Object.fromEntries(out);
  }

  private list(shape: Shape, items: Shape, node: Node, path: Path): unknown {
    if (!isSeq(node)) return this.wrongKind(shape, node, path);
    if (node.items.length < (shape.minItems ?? 0)) return this.error(node, path, 'must not be empty');
    // Places in the list must keep their numbers, so what is unusable stays as a hole.
    return node.items.map((item, i) => this.check(items, item as Node | null, [...path, i]));
  }

  /** Any data: as YAML types it, with what comes from outside filled in. Null is allowed. */
  private data(node: Node | null, path: Path): unknown {
    const found = this.follow(node, path);
    if (found === NOTHING) return NOTHING;
    if (node !== null) this.places.set(this.seenAs(path), this.placeOf(node));
    if (isSeq(found)) return found.items.map((item, i) => this.data(item as Node | null, [...path, i]));
    if (isMap(found)) return Object.fromEntries([...this.pairs(found, path)].map(({ name, value }) => [name, this.data(value, [...path, name])]));
    return isScalar(found) && found.value !== null ? this.anyScalar(found, path) : null;
  }

  private wrongKind(shape: Shape, node: Node, path: Path): undefined {
    const kinds = (shape.anyOf ?? [shape]).map((s) => (s.type === 'object' ? 'a mapping' : s.type === 'array' ? 'a list' : nameOf(s.type)));
    const hint = shape.type === 'array' && isScalar(node) ? 'put it in brackets: [ ... ]' : undefined;
    return this.error(
      node,
      path,
      `must be ${[...new Set(kinds)].join(' or ')}, not ${isMap(node) ? 'a mapping' : isSeq(node) ? 'a list' : 'a single value'}`,
      hint,
    );
  }

  /** The text of a scalar after interpolation; undefined when that failed. */
  private text(node: Scalar, shape: Shape | undefined, path: Path): { text: string; foreign: boolean; interpolated: boolean } | undefined {
    const raw = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    if (typeof node.value !== 'string') return { text: raw, foreign: false, interpolated: false };
    const { text, foreign, errors } = interpolate(raw, this.sources);
    for (const { index, token, message, hint } of errors) {
      const start = (node.range?.[0] ?? 0) + index + (node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0);
      // Escapes and folded lines shift the text against its source; then the value as a whole is named.
      const exact = this.yaml.source.startsWith(token, start);
      this.error(exact ? this.yaml.place(start) : node, path, message, hint);
    }
    if (errors.length > 0) return undefined;
    if (shape?.secret === true) this.problems.hide(text);
    return { text, foreign, interpolated: text !== raw };
  }

  private scalar(shape: Shape, node: Scalar, path: Path): unknown {
    const read = this.text(node, shape, path);
    if (read === undefined) return NOTHING;
    const { text, foreign, interpolated } = read;
    const shown = foreign || shape.secret === true ? undefined : text;
    const wrong = (message: string, hint?: string): undefined => this.error(node, path, interpolated ? `${message} (after interpolation)` : message, hint);
    const got = shown === undefined ? '' : `, not ${typeof node.value === 'string' ? JSON.stringify(shown) : shown}`;
    if (shape.type === 'string') {
      if (typeof node.value !== 'string') return wrong(`must be a text${got}`, shown === undefined ? 'put it in quotes' : `put it in quotes: '${shown}'`);
      const problem = checkText(shape, text, shown !== undefined);
      return problem === undefined ? text : wrong(problem.message, problem.hint);
    }
    if (shape.type === 'boolean') {
      const value = typeof node.value === 'string' && !interpolated ? undefined : readScalar(text);
      if (typeof value === 'boolean') return value;
      return wrong(`must be true or false${got}`, /^(yes|no|on|off)$/i.test(text) ? 'YAML 1.2 knows only true and false' : undefined);
    }
    // Only what came from outside may be a number in quotes: `port: "${PORT}"`.
    const value = typeof node.value === 'number' ? node.value : interpolated ? readNumber(text) : undefined;
    if (value === undefined) return wrong(`must be ${nameOf(shape.type)}${got}`);
    const problem = checkNumber(shape, value, shown !== undefined);
    return problem === undefined ? value : wrong(problem.message);
  }

  /** A value of an AMQP table: as YAML types it, and what was interpolated without quotes likewise. */
  private anyScalar(node: Scalar, path: Path): unknown {
    const read = this.text(node, undefined, path);
    if (read === undefined) return NOTHING;
    if (typeof node.value === 'number' || typeof node.value === 'boolean') {
      return Number.isFinite(Number(node.value)) ? node.value : this.error(node, path, 'must be a finite number');
    }
    return node.type === 'PLAIN' && read.interpolated ? readScalar(read.text) : read.text;
  }
}

function nameOf(type: Shape['type']): string {
  if (type === 'integer') return 'a whole number';
  if (type === 'number') return 'a number';
  return type === 'boolean' ? 'true or false' : 'a text';
}
