import { zoneOffset, type TimeRule } from './device-time.ts';
import { exclude, exclusions, type Exclusions, splitFlatName } from './flatten.ts';
import { type CompiledSource, compileSource, type PayloadPath } from './payload-path.ts';
import type { ProfileSpec, Source } from './profile.ts';
import { compileTopicTemplate, type TopicTemplate } from './topic-template.ts';
import { UnitTable } from './unit-table.ts';

export interface NamedSource {
  readonly name: string;
  readonly source: CompiledSource;
}

/** `fields`: what stands at a path, flattened. `table`: each value has its own place. */
export type ValuesPlan =
  | { readonly kind: 'fields'; readonly path: PayloadPath; readonly exclude: Exclusions | undefined }
  | { readonly kind: 'table'; readonly entries: readonly NamedSource[] };

/** A profile, checked and ready to read payloads with. */
export interface ProfilePlan {
  readonly name: string;
  readonly codec: string;
  readonly templates: readonly TopicTemplate[];
  readonly device: CompiledSource;
  readonly deviceCheck: CompiledSource | undefined;
  readonly each: PayloadPath | undefined;
  readonly time: { readonly from: CompiledSource; readonly rule: TimeRule } | undefined;
  readonly sequence: CompiledSource | undefined;
  readonly values: ValuesPlan;
  readonly scalar: string | undefined;
  readonly units: UnitTable;
  readonly tags: readonly NamedSource[];
}

export type ProfileResult = { readonly ok: true; readonly value: ProfilePlan } | { readonly ok: false; readonly problems: readonly string[] };

const UNITS: readonly string[] = ['iso', 's', 'ms', 'us', 'ns'];

/** Every problem of a profile as a sentence that names the key; empty when it is good. Whether its codec exists is the registry's to say. */
export function checkProfile(spec: ProfileSpec): string[] {
  const result = compileProfile(spec);
  return result.ok ? [] : [...result.problems];
}

/** Finds all problems of a profile at once, or makes the plan that the normaliser runs on. */
export function compileProfile(spec: ProfileSpec): ProfileResult {
  const compiler = new ProfileCompiler(spec);
  const value = compiler.compile();
  return compiler.problems.length === 0 ? { ok: true, value } : { ok: false, problems: compiler.problems };
}

/** Stands in for what could not be compiled; a plan that holds one is never handed out. */
const NOWHERE: PayloadPath = { kind: 'path', root: 'own', steps: [] };

class ProfileCompiler {
  readonly problems: string[] = [];
  private readonly spec: ProfileSpec;
  private readonly used: PayloadPath[] = [];
  private readonly templates: TopicTemplate[] = [];

  constructor(spec: ProfileSpec) {
    this.spec = spec;
  }

  compile(): ProfilePlan {
    const { spec } = this;
    this.topics();
    const device = this.source('device', spec.device, 'every');
    const deviceCheck = this.optional('deviceCheck', spec.deviceCheck);
    const time = this.time();
    const sequence = this.optional('sequence', spec.sequence);
    const tags = this.named('tags', spec.tags ?? {});
    const each = this.each();
    const values = this.values();
    if (spec.scalar === '') {
      this.problems.push('scalar: the name is empty');
    }
    const units = new UnitTable(spec.units ?? {});
    return {
      name: spec.name,
      codec: spec.codec,
      templates: this.templates,
      device,
      deviceCheck,
      each,
      time,
      sequence,
      values,
      scalar: spec.scalar,
      units,
      tags,
    };
  }

  private topics(): void {
    if (this.spec.topics.length === 0) {
      this.problems.push('topics: at least one template is needed');
    }
    for (const [i, text] of this.spec.topics.entries()) {
      const template = compileTopicTemplate(text);
      if (template.ok) {
        this.templates.push(template.value);
      } else {
        this.problems.push(`topics[${i}]: ${template.problem}`);
      }
    }
  }

  /** `captured`: whether each topic template must have the captures, or one will do (for what may be missing). */
  private source(key: string, text: Source, captured: 'every' | 'some'): CompiledSource {
    const source = compileSource(text);
    if (!source.ok) {
      this.problems.push(`${key}: ${source.problem}`);
      return NOWHERE;
    }
    if (source.value.kind === 'path') {
      this.used.push(source.value);
      return source.value;
    }
    for (const name of source.value.names) {
      const having = this.templates.filter((template) => template.captures.includes(name));
      if (having.length === 0 && this.templates.length > 0) {
        this.problems.push(`${key}: no topic template captures {${name}}`);
      } else if (captured === 'every' && having.length < this.templates.length) {
        const lacking = this.templates.find((template) => !template.captures.includes(name));
        this.problems.push(`${key}: the topic template "${lacking?.text}" does not capture {${name}}`);
      }
    }
    return source.value;
  }

  private optional(key: string, text: Source | undefined): CompiledSource | undefined {
    return text === undefined ? undefined : this.source(key, text, 'some');
  }

  private named(key: string, table: Readonly<Record<string, Source>>): NamedSource[] {
    return Object.entries(table).map(([name, text]) => {
      if (name === '') {
        this.problems.push(`${key}: a name is empty`);
      }
      return { name, source: this.source(`${key}.${name}`, text, 'some') };
    });
  }

  private time(): ProfilePlan['time'] {
    const { time } = this.spec;
    if (time === undefined) {
      return undefined;
    }
    const from = this.source('time.from', time.from, 'some');
    const zoneMs = zoneOffset(time.zone);
    if (zoneMs === undefined) {
      this.problems.push(`time.zone: "${time.zone}" is not Z or an offset like +02:00`);
    }
    if (!UNITS.includes(time.unit)) {
      this.problems.push(`time.unit: "${time.unit}" is none of ${UNITS.join(', ')}`);
    }
    for (const key of ['futureMs', 'lateMs'] as const) {
      if (!(time[key] >= 0)) {
        this.problems.push(`time.${key}: must be a number from 0 on`);
      }
    }
    return { from, rule: { unit: time.unit, zoneMs: zoneMs ?? 0, futureMs: time.futureMs, lateMs: time.lateMs } };
  }

  private each(): PayloadPath | undefined {
    const { each } = this.spec;
    if (each === undefined) {
      return undefined;
    }
    const source = compileSource(each);
    if (source.ok && source.value.kind === 'path') {
      return source.value;
    }
    this.problems.push(`each: ${source.ok ? `"${each}" is not a path; paths begin with $` : source.problem}`);
    return undefined;
  }

  private values(): ValuesPlan {
    const { values } = this.spec;
    if (typeof values === 'string') {
      return this.fields(values);
    }
    if (Object.keys(values).length === 0) {
      this.problems.push('values: the table is empty');
    }
    if (this.spec.exclude.length > 0) {
      this.problems.push('exclude: has no use where values is a table; leave the entries out of the table');
    }
    const names = Object.keys(values);
    for (const name of names) {
      const parent = names.find((other) => name.startsWith(`${other}.`));
      if (parent !== undefined) {
        this.problems.push(`values: "${name}" could be written by "${parent}" too, whose nested values are named "${parent}."...`);
      }
    }
    for (const name of Object.keys(this.spec.units ?? {})) {
      if (!names.some((value) => name === value || name.startsWith(`${value}.`)) && name !== this.spec.scalar) {
        this.problems.push(`units: no value is named "${name}"`);
      }
    }
    return { kind: 'table', entries: this.named('values', values) };
  }

  private fields(text: Source): ValuesPlan {
    const source = compileSource(text);
    if (!source.ok || source.value.kind !== 'path') {
      this.problems.push(`values: ${source.ok ? `"${text}" is not a path; paths begin with $` : source.problem}`);
      return { kind: 'fields', path: NOWHERE, exclude: undefined };
    }
    const path = source.value;
    const tree = exclusions();
    for (const name of this.spec.exclude) {
      exclude(tree, splitFlatName(name));
    }
    for (const other of this.used) {
      const below = this.below(path, other);
      if (below !== undefined && below.length > 0) {
        exclude(tree, below);
      }
    }
    return { kind: 'fields', path, exclude: tree.below.size === 0 ? undefined : tree };
  }

  /** The keys from `path` down to `other`, if it lies below. Without `each`, `$` and `$$` are the same place. */
  private below(path: PayloadPath, other: PayloadPath): string[] | undefined {
    const sameRoot = path.root === other.root || this.spec.each === undefined;
    const keys = other.steps.map((step) => step.name ?? String(step.index));
    const top = path.steps.map((step) => step.name ?? String(step.index));
    return sameRoot && top.every((key, i) => keys[i] === key) ? keys.slice(top.length) : undefined;
  }
}
