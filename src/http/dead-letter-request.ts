import type { LetterFilter } from '../domain/letter.ts';
import { parseInstant } from '../pipeline/letter-filter.ts';
import { badRequest, type Input, inputOf } from './request.ts';

const LISTS = { id: 'ids', code: 'codes', stage: 'stages', route: 'routes' } as const;
const TEXTS = ['device', 'topic', 'where', 'since', 'until'] as const;
const FILTERS: readonly string[] = [...Object.keys(LISTS), ...TEXTS];

/** The filter in a query or a JSON body; `others` are the keys that mean something else. */
export function filterIn(
  input: unknown,
  others: readonly string[],
  now: number,
): { readonly filter: LetterFilter; readonly any: boolean; readonly input: Input } {
  const fields = inputOf(input, [...FILTERS, ...others]);
  const filter: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(LISTS)) if (fields[key] !== undefined) filter[name] = textsIn(key, fields[key]);
  for (const key of TEXTS) {
    const value = fields[key];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') throw badRequest(`${key} must be a text`);
    filter[key] = key === 'since' || key === 'until' ? instant(key, value, now) : value;
  }
  return { filter, any: Object.keys(filter).length > 0, input: fields };
}

function textsIn(key: string, value: unknown): string[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (list.length === 0 || list.some((each) => typeof each !== 'string' || each === '')) throw badRequest(`${key} must be a text or a list of texts`);
  return list as string[];
}

function instant(key: string, text: string, now: number): number {
  const at = parseInstant(text, now);
  if (at === undefined) throw badRequest(`${key} must be an ISO 8601 time with its zone, or an age such as 2h or 3d`);
  return at;
}
