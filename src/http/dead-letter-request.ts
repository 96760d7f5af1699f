import { createHash, timingSafeEqual } from 'node:crypto';
import type { LetterFilter } from '../domain/letter.ts';
import { parseInstant } from '../pipeline/letter-filter.ts';

/** A request that cannot be answered; becomes problem details (RFC 9457). */
export class RequestProblem extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

type Input = Readonly<Record<string, unknown>>;

const LISTS = { id: 'ids', code: 'codes', stage: 'stages', route: 'routes' } as const;
const TEXTS = ['device', 'topic', 'where', 'since', 'until'] as const;
const FILTERS: readonly string[] = [...Object.keys(LISTS), ...TEXTS];

/** The filter in a query or a JSON body; `others` are the keys that mean something else. */
export function filterIn(
  input: unknown,
  others: readonly string[],
  now: number,
): { readonly filter: LetterFilter; readonly any: boolean; readonly input: Input } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw wrong('the body must be a JSON object');
  const fields = input as Input;
  const unknown = Object.keys(fields).filter((key) => !FILTERS.includes(key) && !others.includes(key));
  if (unknown.length > 0) throw wrong(`unknown: ${unknown.join(', ').slice(0, 200)}; there are ${[...FILTERS, ...others].join(', ')}`);
  const filter: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(LISTS)) if (fields[key] !== undefined) filter[name] = textsIn(key, fields[key]);
  for (const key of TEXTS) {
    const value = fields[key];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') throw wrong(`${key} must be a text`);
    filter[key] = key === 'since' || key === 'until' ? instant(key, value, now) : value;
  }
  return { filter, any: Object.keys(filter).length > 0, input: fields };
}

function textsIn(key: string, value: unknown): string[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (list.length === 0 || list.some((each) => typeof each !== 'string' || each === '')) throw wrong(`${key} must be a text or a list of texts`);
  return list as string[];
}

function instant(key: string, text: string, now: number): number {
  const at = parseInstant(text, now);
  if (at === undefined) throw wrong(`${key} must be an ISO 8601 time with its zone, or an age such as 2h or 3d`);
  return at;
}

/** A number between bounds, in a query as text. */
export function numberIn(input: Input, key: string, bounds: { readonly least: number; readonly most: number }): number | undefined {
  const value = input[key];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= bounds.least && number <= bounds.most))
    throw wrong(`${key} must be a number from ${bounds.least} to ${bounds.most}`);
  return number;
}

export function flagIn(input: Input, key: string): boolean {
  const value = input[key] ?? false;
  if (typeof value !== 'boolean') throw wrong(`${key} must be true or false`);
  return value;
}

function wrong(detail: string): RequestProblem {
  return new RequestProblem(400, 'Bad Request', detail);
}

/** Passes who shows the token (RFC 6750, section 2.1); throws for everybody else. */
export function mustShow(token: string | undefined, authorization: string | undefined): void {
  if (token === undefined) {
    throw new RequestProblem(
      403,
      'Forbidden',
      'The gateway has no token for this. Set `http.token` in its settings, for instance to ${SLUICE_HTTP_TOKEN}, and restart it.',
    );
  }
  const [, shown] = /^Bearer +([^ ]+) *$/i.exec(authorization ?? '') ?? [];
  if (shown === undefined) throw new RequestProblem(401, 'Unauthorized', 'Send the header `Authorization: Bearer TOKEN` with the value of `http.token`.');
  // Digests have one length, and how long a comparison takes says nothing about the token.
  if (!timingSafeEqual(digest(shown), digest(token))) throw new RequestProblem(401, 'Unauthorized', 'This is not the token of `http.token`.');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
