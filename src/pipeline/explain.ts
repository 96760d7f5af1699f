import { quote } from '../codec/quote.ts';
import { excerpt } from '../domain/excerpt.ts';
import { escapeKey } from '../domain/flatten.ts';
import { compileSource, type Document, type PayloadPath, readPath } from '../domain/payload-path.ts';
import type { ProfileSpec } from '../domain/profile.ts';
import type { Reading, Value } from '../domain/reading.ts';
import type { Routing } from './router.ts';
import type { DecodeOutcome } from './trial-decoder.ts';

/** Longest list of places that an explanation goes into. */
const MOST_PLACES = 200;

/** A scalar in the payload and what became of it; `use` is undefined where nothing took it. */
export interface Place {
  readonly path: string;
  readonly value: Value | null;
  readonly use: string | undefined;
}

export interface Explanation {
  /** Label and text, in the order of the walk through the gateway. */
  readonly steps: readonly (readonly [string, string])[];
  readonly places: readonly Place[];
}

/** How a message became its readings. `route` says what becomes of a reading, where there are settings with routes. */
export function explain(outcome: DecodeOutcome, route: ((reading: Reading) => Routing) | undefined): Explanation {
  const { match, decoded, readings } = outcome;
  const steps: [string, string][] = [];
  if (outcome.topic !== outcome.seenTopic) {
    steps.push([
      'topic',
      `${excerpt(outcome.seenTopic, 255)} (${outcome.topic === undefined ? 'made up from the profile' : 'after its way through the broker'})`,
    ]);
  }
  if (match === undefined) {
    steps.push(['profile', 'none: no template matches the topic']);
    return { steps, places: [] };
  }
  const { profile, template, captures } = match;
  steps.push(['profile', profile.name], ['template', `${template.text}${match.ignored ? ' (of `ignore`)' : ''}`]);
  const captured = Object.entries(captures).map(([name, text]) => `${name}=${excerpt(text)}`);
  if (captured.length > 0) steps.push(['captures', captured.join(' ')]);
  if (match.ignored) return { steps, places: [] };
  steps.push(['codec', [profile.codec].flat().join(', ')]);
  if (outcome.code !== undefined)
    steps.push([outcome.outcome === 'filtered' ? 'filtered' : 'refused', [outcome.code, outcome.message ?? ''].filter((part) => part !== '').join(': ')]);
  for (const [i, reading] of readings.entries()) {
    steps.push(['reading', `${i + 1} of ${readings.length}`], ...stepsOf(reading, profile));
    if (route !== undefined) steps.push(['route', routeText(route(reading))]);
  }
  return { steps, places: decoded === undefined ? [] : placesOf(decoded.document, profile, readings) };
}

function stepsOf(reading: Reading, profile: ProfileSpec): [string, string][] {
  const steps: [string, string][] = [['device', `${excerpt(reading.device)} (from ${profile.device})`]];
  const time = profile.time === undefined ? 'the profile names no time: receive time' : `from ${profile.time.from}, ${profile.time.unit}`;
  steps.push(['measured', `${new Date(reading.measuredAt).toISOString()} (${time})`]);
  for (const [name, value] of Object.entries(reading.values)) {
    const unit = reading.units?.[name];
    steps.push(['value', `${excerpt(name)} = ${shown(value)}${unit === undefined ? '' : ` ${excerpt(unit)}`}`]);
  }
  for (const [name, text] of Object.entries(reading.tags ?? {})) steps.push(['tag', `${excerpt(name)} = ${excerpt(text)}`]);
  if (reading.flags !== undefined) steps.push(['flags', reading.flags.join(' ')]);
  return steps;
}

function routeText(routing: Routing): string {
  if (routing.droppedBy !== undefined) return `dropped by rule "${routing.droppedBy}"`;
  const takers = [...routing.taps, ...routing.takers].map(
    ({ route, action, routingKey }) => `rule "${route}" to exchange ${excerpt(action.exchange)}, routing key ${excerpt(routingKey)}`,
  );
  return [...takers, ...(routing.fault === undefined ? [] : [`${routing.fault.code}: ${routing.fault.message}`])].join('; ');
}

interface Leaf {
  readonly path: string;
  /** The flattened name, from the top of the payload. */
  readonly flat: string;
  readonly value: Value | null;
}

interface Element {
  readonly prefix: string;
  readonly own: Document;
  readonly reading: Reading | undefined;
}

/** Every scalar of the payload, and what took it: a key of the profile, or a value of the reading. */
function placesOf(document: Document, profile: ProfileSpec, readings: readonly Reading[]): Place[] {
  const leaves: Leaf[] = [];
  collect(document, '$', '', leaves);
  const used = new Map<string, string>();
  for (const element of elementsOf(document, profile, readings)) {
    for (const [key, path] of pathsIn(profile)) {
      const found = readPath(path, element.own, document);
      if (found === undefined || (key === 'values' && path.steps.length === 0)) continue;
      const at = (path.root === 'own' ? element.prefix : '$') + textOf(path);
      for (const leaf of leaves) if (leaf.path === at && !used.has(at)) used.set(at, key);
    }
    if (element.reading !== undefined) matchValues(leaves, element.prefix, element.reading, used);
  }
  return leaves.map(({ path, value }) => ({ path, value, use: used.get(path) }));
}

/** Values find their place by name, else by being the only place that holds that value. What was converted or mapped stays without one. */
function matchValues(leaves: readonly Leaf[], prefix: string, reading: Reading, used: Map<string, string>): void {
  const below = leaves.filter(({ path }) => path === prefix || path.startsWith(`${prefix}.`) || path.startsWith(`${prefix}[`));
  const left = new Map(Object.entries(reading.values));
  const note = (path: string, name: string): void => {
    used.set(path, `value ${name}`);
    left.delete(name);
  };
  for (const { path, flat } of below) {
    const name = [...left.keys()].find((each) => flat === each || flat.endsWith(`.${each}`));
    if (name !== undefined && !used.has(path)) note(path, name);
  }
  for (const [name, value] of left) {
    const same = below.filter((leaf) => !used.has(leaf.path) && leaf.value === value);
    if (same.length === 1) note((same[0] as Leaf).path, name);
  }
}

function elementsOf(document: Document, profile: ProfileSpec, readings: readonly Reading[]): Element[] {
  const each = typeof profile.each === 'string' ? compileSource(profile.each) : undefined;
  const path = each?.ok === true && each.value.kind === 'path' ? each.value : undefined;
  const found = path === undefined ? document : readPath(path, document, document);
  if (!Array.isArray(found)) return [{ prefix: '$', own: document, reading: readings.length === 1 ? readings[0] : undefined }];
  const list = found as readonly Document[];
  const base = path === undefined ? '$' : `$${textOf(path)}`;
  return list.slice(0, MOST_PLACES).map((own, i) => ({ prefix: `${base}[${i}]`, own, reading: list.length === readings.length ? readings[i] : undefined }));
}

/** Every path that the profile names, wherever it stands, with its key. */
function pathsIn(profile: ProfileSpec): [string, PayloadPath][] {
  const found: [string, PayloadPath][] = [];
  const walk = (key: string, node: unknown): void => {
    if (typeof node === 'string') {
      const source = node.startsWith('$') ? compileSource(node) : undefined;
      if (source?.ok === true && source.value.kind === 'path') found.push([key, source.value]);
    } else if (typeof node === 'object' && node !== null) {
      for (const [name, child] of Object.entries(node)) walk(Array.isArray(node) ? key : key === '' ? name : `${key}.${name}`, child);
    }
  };
  walk('', profile);
  return found;
}

function textOf(path: PayloadPath): string {
  return path.steps.map(({ name, index }) => (name === undefined ? `[${index}]` : stepText(name))).join('');
}

function stepText(name: string): string {
  return /^[^.[\]"\s\\]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function collect(node: Document, path: string, flat: string, leaves: Leaf[]): void {
  if (leaves.length >= MOST_PLACES) return;
  if (typeof node !== 'object' || node === null) {
    leaves.push({ path, flat, value: node });
    return;
  }
  const list = Array.isArray(node);
  for (const [name, child] of Object.entries(node)) {
    collect(child, path + (list ? `[${name}]` : stepText(name)), flat === '' ? escapeKey(name) : `${flat}.${escapeKey(name)}`, leaves);
  }
}

function shown(value: Value | null): string {
  return typeof value === 'string' ? excerpt(quote(value), 120) : String(value);
}

/** The explanation for a person: one line a step, then what was not taken. */
export function explanationText({ steps, places }: Explanation): string {
  const lines = steps.map(([label, text]) => `${label.padEnd(10)}${text}`);
  for (const { path, value, use } of places)
    lines.push(
      `${use === undefined ? 'not taken' : 'taken'.padEnd(9)} ${excerpt(path, 200)} = ${shown(value)}${use === undefined ? '' : ` -> ${excerpt(use, 200)}`}`,
    );
  return `${lines.join('\n')}\n`;
}

/** The explanation as JSON text, big integers exact. */
export function explanationJson({ steps, places }: Explanation): string {
  const list = steps.map(([label, text]) => `[${quote(label)},${quote(text)}]`).join(',');
  const taken = places.map(({ path, value, use }) => {
    const text = typeof value === 'string' ? quote(value) : Object.is(value, -0) ? '-0' : String(value);
    return `{"path":${quote(path)},"value":${text}${use === undefined ? '' : `,"use":${quote(use)}`}}`;
  });
  return `{"steps":[${list}],"places":[${taken.join(',')}]}`;
}
