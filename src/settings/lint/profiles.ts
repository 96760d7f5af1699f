import type { LayoutSpec } from '../../domain/layout/spec.ts';
import { optionsByCodec } from '../../domain/profile.ts';
import { profileProblems } from '../../domain/profile-plan.ts';
import { compileTopicTemplate, type TopicTemplate } from '../../domain/topic-template.ts';
import type { Path } from '../problem.ts';
import type { RawProfile } from '../schema.ts';
import { hintFor } from '../suggest.ts';
import { toProfile } from '../to-domain.ts';
import type { Lint } from './context.ts';

/** Layouts are checked by themselves; here they only have to be there. */
const ANY_LAYOUT = { get: (): LayoutSpec => ({ name: 'any', endian: 'big', frames: [] }) };

type Levels = TopicTemplate['levels'];

/** Profiles alone, and templates that two of them share. */
export function lintProfiles(lint: Lint): void {
  for (const { at, value: profile } of lint.profiles) {
    for (const { at: below, message } of profileProblems(toProfile(profile, undefined, ANY_LAYOUT))) lint.error([...at, ...below], message);
    codecs(lint, at, profile);
    conversions(lint, at, profile);
    for (const [name, rules] of Object.entries(profile.devices ?? {})) conversions(lint, [...at, 'devices', name], rules);
  }
  templates(lint);
}

function codecs(lint: Lint, at: Path, profile: RawProfile): void {
  if (lint.codecs === undefined) return;
  for (const [i, name] of [profile.codec].flat().entries()) {
    const path = typeof profile.codec === 'string' ? [...at, 'codec'] : [...at, 'codec', i];
    const codec = lint.codecs.get(name);
    if (codec === undefined) {
      lint.error(path, `codec "${name}" is not known`, hintFor(name, lint.codecs.names));
      continue;
    }
    const options = optionsByCodec(profile).get(name);
    // Options that are no mapping have been told of.
    if (typeof options !== 'object' || options === null) continue;
    const below = typeof profile.codec === 'string' ? [...at, 'codecOptions'] : [...at, 'codecOptions', name];
    for (const problem of codec.checkOptions(options)) {
      const [, option, message] = /^([A-Za-z]\w*): (.*)$/s.exec(problem) ?? [];
      if (option === undefined || message === undefined) lint.error(below, problem);
      else lint.error([...below, option], message);
    }
  }
}

function conversions(lint: Lint, at: Path, { convert }: Pick<RawProfile, 'convert'>): void {
  for (const [name, { from, to }] of Object.entries(convert ?? {})) {
    const result = lint.units?.(from, to);
    if (result?.ok === false) lint.error([...at, 'convert', name, ...(result.at === undefined ? [] : [result.at])], result.problem, result.hint);
  }
}

interface Known {
  readonly levels: Levels;
  readonly name: string;
  readonly line: string;
}

/** Templates are tried in the order of the profiles, so one behind another that takes all its topics never gets any. */
function templates(lint: Lint): void {
  const before: Known[] = [];
  for (const { at, value: profile } of lint.profiles) {
    // What a profile ignores is tried first; two that ignore the same are no mistake.
    for (const [i, text] of profile.ignore.entries()) {
      const template = compileTopicTemplate(text);
      if (template.ok) before.push({ levels: template.value.levels, name: profile.name, line: lint.line([...at, 'ignore', i]) });
    }
    for (const [i, text] of profile.topics.entries()) {
      const template = compileTopicTemplate(text);
      if (!template.ok) continue;
      const { levels } = template.value;
      const path = [...at, 'topics', i];
      const first = before.find((known) => covers(known.levels, levels));
      if (first !== undefined && covers(levels, first.levels)) {
        lint.error(path, `this template takes the same topics as one of profile "${first.name}" (${first.line}), which is tried first`);
      } else if (first !== undefined) {
        lint.warn(
          path,
          `no topic gets here: a template of profile "${first.name}" (${first.line}) is tried first and takes them all`,
          'put the narrower one first',
        );
      }
      before.push({ levels, name: profile.name, line: lint.line(path) });
    }
  }
}

/** Every topic that `b` takes, `a` takes too. */
function covers(a: Levels, b: Levels): boolean {
  for (const [i, level] of a.entries()) {
    const other = b[i];
    // MQTT-4.7.2-1: a wildcard at the beginning does not reach into `$SYS` and its like.
    if (i === 0 && level.kind !== 'literal' && other?.kind === 'literal' && other.text.startsWith('$')) return false;
    if (level.kind === 'rest') return level.none || (other !== undefined && !(other.kind === 'rest' && other.none));
    if (other === undefined || other.kind === 'rest') return false;
    if (level.kind === 'literal' && !(other.kind === 'literal' && other.text === level.text)) return false;
  }
  return a.length === b.length;
}
