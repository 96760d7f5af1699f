import { checkProfile } from '../../domain/profile-plan.ts';
import { compileTopicTemplate, type TopicTemplate } from '../../domain/topic-template.ts';
import type { Path } from '../problem.ts';
import { hintFor } from '../suggest.ts';
import { toProfile } from '../to-domain.ts';
import type { Lint } from './context.ts';

type Levels = TopicTemplate['levels'];

/** Profiles alone, and templates that two of them share. */
export function lintProfiles(lint: Lint): void {
  for (const { at, value: profile } of lint.profiles) {
    for (const problem of checkProfile(toProfile(profile))) report(lint, at, problem);
    if (lint.codecs !== undefined && !lint.codecs.includes(profile.codec)) {
      lint.error([...at, 'codec'], `codec "${profile.codec}" is not known`, hintFor(profile.codec, lint.codecs));
    }
  }
  templates(lint);
}

/** The sentences begin with the key that they are about: `topics[1]: ...`, `tags.site: ...`. */
function report(lint: Lint, at: Path, problem: string): void {
  const [, key, index, name, message] = /^([a-zA-Z]+)(?:\[(\d+)\]|\.([^:]+))?: (.*)$/s.exec(problem) ?? [];
  if (key === undefined || message === undefined) lint.error(at, problem);
  else lint.error([...at, key, ...(index === undefined ? [] : [Number(index)]), ...(name === undefined ? [] : [name])], message);
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
