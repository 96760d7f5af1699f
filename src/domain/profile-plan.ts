import { compilePayload } from './compile-payload.ts';
import type { DevicePayload } from './device-payload.ts';
import { zoneOffset, type TimeRule } from './device-time.ts';
import type { IgnoreCheck } from './ignore.ts';
import { type CaptureTemplate, type CompiledSource, compileSource, type PayloadPath } from './payload-path.ts';
import { type Compression, type ProfileSpec, type Source, TIME_UNITS } from './profile.ts';
import { compileShapers, fixedUnits, unknownNames } from './compile-rules.ts';
import type { ShaperChoice } from './shaper-choice.ts';
import { compileTopicTemplate, type TopicTemplate } from './topic-template.ts';
import { UnitTable } from './unit-table.ts';
import { captureTemplate, compileValues, type NamedSource, NOWHERE, type ValuesPlan } from './values-plan.ts';

/** A profile, checked and ready. */
export interface CompiledProfile {
  readonly name: string;
  readonly templates: readonly TopicTemplate[];
  readonly ignored: readonly TopicTemplate[];
  readonly plan: ProfilePlan;
}

/**
 * All that a profile says of payloads: whose they are, and under which topics, is not of it, so profiles can share one. What a
 * profile does not use is undefined here, and costs nothing.
 */
export interface ProfilePlan {
  readonly encodings: readonly Compression[] | undefined;
  readonly ignoreWhen: readonly IgnoreCheck[] | undefined;
  readonly device: CompiledSource;
  readonly deviceElse: CompiledSource | undefined;
  readonly deviceCheck: CompiledSource | undefined;
  readonly each: PayloadPath | undefined;
  readonly time: { readonly from: CompiledSource; readonly rule: TimeRule } | undefined;
  readonly sequence: CompiledSource | undefined;
  readonly values: ValuesPlan;
  /** A name, or one that the topic completes. */
  readonly scalar: string | CaptureTemplate | undefined;
  /** Units by exact name: all that there is to do where `shapers` has nothing for a device. */
  readonly units: UnitTable;
  readonly shapers: ShaperChoice | undefined;
  readonly unitsFrom: PayloadPath | undefined;
  readonly tags: readonly NamedSource[];
  readonly tagsFrom: PayloadPath | undefined;
  readonly flagsFrom: PayloadPath | undefined;
  readonly watchTypes: boolean;
  readonly payload: DevicePayload | undefined;
  /** What the topic captures is asked for with each message, and not once for a topic. */
  readonly asksCaptures: boolean;
}

/** `at`: the key, as in the settings. */
export interface ProfileProblem {
  readonly at: readonly (string | number)[];
  readonly message: string;
}

export type ProfileResult = { readonly ok: true; readonly value: CompiledProfile } | { readonly ok: false; readonly problems: readonly string[] };

/** Every problem of a profile as a sentence that names the key; empty when it is good. Whether its codec exists is the registry's to say. */
export function checkProfile(spec: ProfileSpec): string[] {
  return profileProblems(spec).map(sentence);
}

/** Every problem of a profile, with its place. */
export function profileProblems(spec: ProfileSpec): ProfileProblem[] {
  const compiler = new ProfileCompiler(spec);
  compiler.compile();
  return compiler.problems;
}

/** Finds all problems of a profile at once, or makes what the normaliser runs on. */
export function compileProfile(spec: ProfileSpec): ProfileResult {
  const compiler = new ProfileCompiler(spec);
  const value = compiler.compile();
  return compiler.problems.length === 0 ? { ok: true, value } : { ok: false, problems: compiler.problems.map(sentence) };
}

function sentence({ at, message }: ProfileProblem): string {
  return `${at.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')}: ${message}`;
}

type Path = readonly (string | number)[];

class ProfileCompiler {
  readonly problems: ProfileProblem[] = [];
  readonly used: PayloadPath[] = [];
  private readonly spec: ProfileSpec;
  private readonly templates: TopicTemplate[] = [];
  private asksCaptures = false;

  constructor(spec: ProfileSpec) {
    this.spec = spec;
  }

  compile(): CompiledProfile {
    const { spec } = this;
    if (spec.topics.length === 0) {
      this.problem(['topics'], 'at least one template is needed');
    }
    this.templates.push(...this.topics('topics', spec.topics));
    const codecs = typeof spec.codec === 'string' ? [spec.codec] : spec.codec;
    if (codecs.length === 0 || new Set(codecs).size < codecs.length) {
      this.problem(['codec'], codecs.length === 0 ? 'at least one codec is needed' : 'one codec stands twice');
    }
    if (typeof spec.codec !== 'string') {
      this.severalOptions(codecs);
    }
    const device = this.source(['device'], spec.device, spec.deviceElse === undefined ? 'every' : 'some');
    const deviceElse = this.optional('deviceElse', spec.deviceElse);
    const deviceCheck = this.optional('deviceCheck', spec.deviceCheck);
    const time = this.time();
    const sequence = this.optional('sequence', spec.sequence);
    const tags = Object.entries(spec.tags ?? {}).map(([name, text]) => {
      if (name === '') {
        this.problem(['tags'], 'a name is empty');
      }
      return { name, source: this.source(['tags', name], text) };
    });
    const each = spec.each === undefined ? undefined : this.path(['each'], spec.each, false);
    const unitsFrom = this.below('unitsFrom');
    const tagsFrom = this.below('tagsFrom');
    const flagsFrom = this.below('flagsFrom');
    const shapers = compileShapers(spec, this);
    // Last: what other keys read is no value.
    const values = compileValues(spec, this);
    unknownNames(spec, values, this);
    const plan: ProfilePlan = {
      encodings: spec.encodings === undefined || spec.encodings.length === 0 ? undefined : spec.encodings,
      ignoreWhen: this.ignoreWhen(),
      device,
      deviceElse,
      deviceCheck,
      each,
      time,
      sequence,
      values,
      scalar: this.scalar(),
      units: new UnitTable(fixedUnits(spec)),
      shapers,
      unitsFrom,
      tags,
      tagsFrom,
      flagsFrom,
      watchTypes: spec.types === 'flag',
      payload: compilePayload(spec, values, this),
      asksCaptures: this.asksCaptures,
    };
    return { name: spec.name, templates: this.templates, ignored: this.topics('ignore', spec.ignore ?? []), plan };
  }

  problem(at: Path, message: string): void {
    this.problems.push({ at, message });
  }

  /** With several codecs each has options of its own. */
  private severalOptions(codecs: readonly string[]): void {
    for (const [name, options] of Object.entries(this.spec.codecOptions ?? {})) {
      if (!codecs.includes(name)) {
        this.problem(['codecOptions', name], `is none of the codecs; where there are several, options stand below the name of theirs: ${codecs.join(', ')}`);
      } else if (typeof options !== 'object' || options === null || Array.isArray(options)) {
        this.problem(['codecOptions', name], 'must be a mapping: the options of this codec');
      }
    }
  }

  /** `captured`: whether each topic template must have the captures, or one will do (for what may be missing). */
  source(at: Path, text: Source, captured: 'every' | 'some' = 'some'): CompiledSource {
    const source = compileSource(text);
    if (!source.ok) {
      this.problem(at, source.problem);
      return NOWHERE;
    }
    if (source.value.kind === 'path') {
      this.used.push(source.value);
    } else {
      this.captures(at, source.value, captured);
      // Device and tags of a topic are made once.
      this.asksCaptures ||= source.value.names.length > 0 && at[0] !== 'device' && at[0] !== 'tags';
    }
    return source.value;
  }

  /** `used`: what stands there is not a value. */
  path(at: Path, text: Source, used = false): PayloadPath {
    const source = compileSource(text);
    if (source.ok && source.value.kind === 'path') {
      if (used) {
        this.used.push(source.value);
      }
      return source.value;
    }
    this.problem(at, source.ok ? `"${text}" is not a path; paths begin with $` : source.problem);
    return NOWHERE;
  }

  nameTemplate(at: Path, text: string): CaptureTemplate | undefined {
    const template = captureTemplate(text);
    if (template === undefined) {
      return undefined;
    }
    if (!template.ok || template.value.kind !== 'template') {
      this.problem(at, template.ok ? 'is no name' : template.problem);
      return undefined;
    }
    this.captures(at, template.value, 'some');
    return template.value;
  }

  private captures(at: Path, { names }: CaptureTemplate, captured: 'every' | 'some'): void {
    for (const name of names) {
      const having = this.templates.filter((template) => template.captures.includes(name));
      if (having.length === 0 && this.templates.length > 0) {
        this.problem(at, `no topic template captures {${name}}`);
      } else if (captured === 'every' && having.length < this.templates.length) {
        const lacking = this.templates.find((template) => !template.captures.includes(name));
        this.problem(at, `the topic template "${lacking?.text}" does not capture {${name}}`);
      }
    }
  }

  private topics(key: string, texts: readonly string[]): TopicTemplate[] {
    const templates: TopicTemplate[] = [];
    for (const [i, text] of texts.entries()) {
      const template = compileTopicTemplate(text);
      if (template.ok) {
        templates.push(template.value);
      } else {
        this.problem([key, i], template.problem);
      }
    }
    return templates;
  }

  private optional(key: string, text: Source | undefined): CompiledSource | undefined {
    return text === undefined ? undefined : this.source([key], text);
  }

  private below(key: 'unitsFrom' | 'tagsFrom' | 'flagsFrom'): PayloadPath | undefined {
    const text = this.spec[key];
    return text === undefined ? undefined : this.path([key], text, true);
  }

  private scalar(): ProfilePlan['scalar'] {
    const { scalar } = this.spec;
    if (scalar === '') {
      this.problem(['scalar'], 'the name is empty');
    }
    return scalar === undefined ? undefined : (this.nameTemplate(['scalar'], scalar) ?? scalar);
  }

  private ignoreWhen(): readonly IgnoreCheck[] | undefined {
    const checks = (this.spec.ignoreWhen ?? []).map(({ at, is, exists }, i): IgnoreCheck => {
      if (is === undefined && exists === undefined) {
        this.problem(['ignoreWhen', i], 'says nothing: `is` or `exists` is needed');
      }
      return { path: this.path(['ignoreWhen', i, 'at'], at), is: is === undefined ? undefined : new Set(is), exists };
    });
    return checks.length === 0 ? undefined : checks;
  }

  private time(): ProfilePlan['time'] {
    const { time } = this.spec;
    if (time === undefined) {
      return undefined;
    }
    const from = this.source(['time', 'from'], time.from);
    const zoneMs = zoneOffset(time.zone);
    if (zoneMs === undefined) {
      this.problem(['time', 'zone'], `"${time.zone}" is not Z or an offset like +02:00`);
    }
    if (!TIME_UNITS.includes(time.unit)) {
      this.problem(['time', 'unit'], `"${time.unit}" is none of ${TIME_UNITS.join(', ')}`);
    }
    for (const key of ['futureMs', 'lateMs'] as const) {
      if (!(time[key] >= 0)) {
        this.problem(['time', key], 'must be a number from 0 on');
      }
    }
    return { from, rule: { unit: time.unit, zoneMs: zoneMs ?? 0, futureMs: time.futureMs, lateMs: time.lateMs } };
  }
}
