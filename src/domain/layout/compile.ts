import { compileFields, type Path, type Report } from './fields.ts';
import type { ElementPlan, ElementsPlan, FieldsPlan, FramePlan, GroupsPlan, KeyTable, LayoutPlan } from './plan.ts';
import { type FrameSpec, type LayoutSpec, MOST_BYTES, type WhenSpec } from './spec.ts';

export interface LayoutProblem {
  readonly at: Path;
  readonly message: string;
}

/** What the layout says for all of its frames. */
interface Whole {
  readonly little: boolean;
  readonly numbers: ReadonlyMap<string, number>;
}

const NONE: FieldsPlan = { steps: [], size: 0 };
const NO_SLOTS: ReadonlyMap<string, number> = new Map();

/** Parameters that must be given before the layout can be used. */
export function missingParameters({ needs = [], parameters = {} }: LayoutSpec): string[] {
  return needs.filter((name) => !Object.hasOwn(parameters, name));
}

/** The plan of a layout and every problem of it; where there are any, the plan is not fit for use. What it extends must be in it already. */
export function compileLayout(spec: LayoutSpec): { readonly plan: LayoutPlan; readonly problems: readonly LayoutProblem[] } {
  const problems: LayoutProblem[] = [];
  const report: Report = (at, message) => void problems.push({ at, message });
  const little = spec.endian === 'little';
  const { parameters = {} } = spec;
  for (const name of Object.keys(parameters)) {
    if (!/^[A-Za-z]\w*$/.test(name) || name === 'x') report(['parameters', name], `"${name}" is no name for a parameter`);
  }
  const numbers = new Map(Object.entries(parameters));
  for (const name of spec.needs ?? []) {
    // Good enough to find the other problems of the formulas.
    if (!numbers.has(name)) numbers.set(name, Number.NaN);
  }
  const frames = spec.frames.map((frame, i) => compileFrame(frame, ['frames', i], { little, numbers }, report));
  return { plan: { name: spec.name, frames }, problems };
}

function compileFrame(frame: FrameSpec, at: Path, whole: Whole, report: Report): FramePlan {
  const { fields, groups, elements } = frame;
  if (fields === undefined && groups === undefined && elements === undefined) {
    report(at, 'says nothing: `fields`, `groups` or `elements` is needed');
  }
  for (const key of ['size', 'lists', 'unknown'] as const) {
    if (frame[key] !== undefined && elements === undefined) report([...at, key], 'has no effect without `elements`');
  }
  const scope = { slots: NO_SLOTS, ...whole, wild: [] };
  const head = fields === undefined ? { plan: NONE, slots: NO_SLOTS } : compileFields(fields, [...at, 'fields'], scope, report);
  return {
    ...compileWhen(frame.when ?? {}, [...at, 'when'], report),
    head: head.plan,
    groups: groups === undefined ? undefined : compileGroups(groups, [...at, 'groups'], { ...scope, slots: head.slots }, report),
    elements: elements === undefined ? undefined : compileElements(frame, [...at, 'elements'], { slots: head.slots, ...whole }, report),
    ignoreRest: frame.rest === 'ignore',
  };
}

function compileWhen({ ports, length, bytes = {} }: WhenSpec, at: Path, report: Report): Pick<FramePlan, 'ports' | 'shortest' | 'longest' | 'bytes'> {
  const [shortest = 0, longest = length === undefined ? MOST_BYTES : shortest] = length ?? [];
  if (length !== undefined && (length.length < 1 || length.length > 2 || shortest > longest)) {
    report([...at, 'length'], 'must be one number of bytes, or the least and the most: [4, 8]');
  }
  const checks = Object.entries(bytes).map(([text, among]) => {
    if (!/^\d{1,4}$/.test(text)) report([...at, 'bytes', text], `"${text}" is not the offset of a byte`);
    if (among.length === 0) report([...at, 'bytes', text], 'the list is empty');
    return { at: Number(text), among: new Set(among) };
  });
  return { ports: ports === undefined ? undefined : new Set(ports), shortest, longest, bytes: checks };
}

interface Around extends Whole {
  readonly slots: ReadonlyMap<string, number>;
}

function compileGroups({ by, of }: NonNullable<FrameSpec['groups']>, at: Path, around: Around, report: Report): GroupsPlan {
  const slot = around.slots.get(by);
  if (slot === undefined) report([...at, 'by'], `there is no field "${by}" in \`fields\``);
  const plans = of.map((fields, i) => compileFields(fields, [...at, 'of', i], { ...around, wild: [] }, report).plan);
  if (of.length > 32) report([...at, 'of'], 'are more than 32');
  return { by: slot ?? 0, of: plans };
}

function compileElements({ elements = {}, unknown = [], size, lists = {} }: FrameSpec, at: Path, around: Around, report: Report): ElementsPlan {
  const tables = new KeyTables(report);
  for (const [i, text] of unknown.entries()) {
    tables.add(text, [...at.slice(0, -1), 'unknown', i], () => undefined);
  }
  for (const [text, fields] of Object.entries(elements)) {
    const below = [...at, text];
    tables.add(text, below, (wild) => {
      const { plan } = compileFields(fields, below, { ...around, wild }, report);
      if (size !== undefined && plan.size > size) report(below, `takes ${plan.size} bytes, and \`size\` is ${size}`);
      return { fields: plan, size, list: Object.hasOwn(lists, text) ? lists[text] : undefined };
    });
  }
  const names = Object.entries(elements).flatMap(([text, fields]) => (Object.hasOwn(lists, text) ? [] : Object.keys(fields)));
  for (const [text, name] of Object.entries(lists)) {
    if (!Object.hasOwn(elements, text)) report([...at.slice(0, -1), 'lists', text], `there is no element "${text}"`);
    if (!/^[A-Za-z]\w*$/.test(name)) report([...at.slice(0, -1), 'lists', text], `"${name}" is no name`);
    // A list has its name for itself: `{1}` in a name is a number, so it could only meet a list that ends with one.
    if (names.some((each) => each.replaceAll(/\{\d\}/g, '0') === name.replaceAll(/\d+/g, '0')))
      report([...at.slice(0, -1), 'lists', text], `"${name}" is the name of a value`);
  }
  return tables.plan();
}

class KeyTables {
  private readonly report: Report;
  private readonly tables: Map<string, { readonly fixed: readonly boolean[]; readonly byKey: Map<number, ElementPlan | undefined> }> = new Map();
  private key = 0;

  constructor(report: Report) {
    this.report = report;
  }

  /** `element` is told which bytes of the key are `??`. */
  add(text: string, at: Path, element: (wild: readonly number[]) => ElementPlan | undefined): void {
    const bytes = text.match(/../g) ?? [];
    if (!/^(?:[0-9a-f]{2}|\?\?){1,4}$/i.test(text)) {
      this.report(at, `"${text}" is no key: one to four bytes in hexadecimal, ?? for any, in quotes: '0367'`);
      return;
    }
    if (this.key !== 0 && this.key !== bytes.length) this.report(at, `has ${bytes.length} bytes, other keys have ${this.key}`);
    this.key = bytes.length;
    const fixed = bytes.map((byte) => byte !== '??');
    const shape = fixed.join();
    const table = this.tables.get(shape) ?? { fixed, byKey: new Map<number, ElementPlan | undefined>() };
    const number = bytes.reduce((sum, byte) => sum * 256 + (byte === '??' ? 0 : Number.parseInt(byte, 16)), 0);
    if (table.byKey.has(number)) this.report(at, 'stands twice');
    table.byKey.set(number, element(fixed.flatMap((each, i) => (each ? [] : [i]))));
    this.tables.set(shape, table);
  }

  /** Keys without `??` first; among those with as many of them the unknown ones. */
  plan(): ElementsPlan {
    const wildness = ({ fixed }: KeyTable): number => fixed.filter((each) => !each).length;
    return { key: this.key, tables: [...this.tables.values()].sort((a, b) => wildness(a) - wildness(b)) };
  }
}
