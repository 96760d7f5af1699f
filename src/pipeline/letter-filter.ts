import { LETTER_CONDITIONS } from '../domain/condition.ts';
import { firstLine } from '../domain/excerpt.ts';
import { isoInstant } from '../domain/instant.ts';
import type { Letter, LetterFilter } from '../domain/letter.ts';
import type { EpochMs } from '../domain/message.ts';
import { compileTopicFilter } from '../domain/topic-template.ts';

/** A condition that cannot be used; the message says which and why. */
export class LetterFilterError extends Error {
  override readonly name = 'LetterFilterError';
}

/** Answers whether a letter is meant. Throws a `LetterFilterError` on an expression or a topic filter that is wrong. */
export function compileLetterFilter(filter: LetterFilter, now: EpochMs): (letter: Letter) => boolean {
  const tests: ((letter: Letter) => boolean)[] = [];
  const { ids, codes, stages, routes, device, since, until } = filter;
  if (ids !== undefined) tests.push(oneOf(ids, (letter) => letter.id));
  if (codes !== undefined) tests.push(oneOf(codes, (letter) => letter.code));
  if (stages !== undefined) tests.push(oneOf(stages, (letter) => letter.stage));
  if (routes !== undefined) tests.push(oneOf(routes, (letter) => letter.route));
  if (device !== undefined) tests.push((letter) => (letter.device === undefined ? `/${letter.topic}/`.includes(`/${device}/`) : letter.device === device));
  if (filter.topic !== undefined) {
    const matches = topicTest(filter.topic);
    tests.push((letter) => matches(letter.topic));
  }
  // A letter without a time is never too new: dropping by age must not spare it for ever, and none is without one in practice.
  if (since !== undefined) tests.push((letter) => (letter.buriedAt ?? 0) >= since);
  if (until !== undefined) tests.push((letter) => (letter.buriedAt ?? 0) < until);
  if (filter.where !== undefined) tests.push(conditionTest(filter.where, now));
  return (letter) => tests.every((test) => test(letter));
}

function oneOf(wanted: readonly string[], field: (letter: Letter) => string | undefined): (letter: Letter) => boolean {
  const set = new Set<string | undefined>(wanted);
  return (letter) => set.has(field(letter));
}

function topicTest(filter: string): (topic: string) => boolean {
  try {
    return compileTopicFilter(filter);
  } catch (error) {
    throw new LetterFilterError(`topic: ${firstLine(error)}`);
  }
}

/** What a condition cannot be evaluated for does not match: a wrong guess must not replay or drop anything. */
function conditionTest(text: string, now: EpochMs): (letter: Letter) => boolean {
  const condition = LETTER_CONDITIONS.compile(text);
  if (!condition.ok) throw new LetterFilterError(`where: ${condition.problem}`);
  return (letter) => {
    const { id, code, stage, topic, message, attempts, replays, size, buriedAt } = letter;
    const age = Math.max(0, Math.floor((now - (buriedAt ?? now)) / 1000));
    const numbers = { attempts: BigInt(attempts), replays: BigInt(replays), ageSeconds: BigInt(age), size: BigInt(size) };
    try {
      return condition.value({ id, code, stage, topic, message, device: letter.device ?? '', route: letter.route ?? '', ...numbers });
    } catch {
      return false;
    }
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** `2h` (before now), or an ISO 8601 instant. undefined where the text is neither. */
export function parseInstant(text: string, now: EpochMs): EpochMs | undefined {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return isoInstant(text);
}
