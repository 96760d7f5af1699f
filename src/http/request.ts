import { PROBLEM_JSON, problem } from './json.ts';
import type { FastifyReply } from 'fastify';

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

/** Keys and values of a query or of a JSON body. */
export type Input = Readonly<Record<string, unknown>>;

export function badRequest(detail: string): RequestProblem {
  return new RequestProblem(400, 'Bad Request', detail);
}

/** Answers with the problem. */
export function refuse(reply: FastifyReply, { status, title, message }: RequestProblem): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="sluice"');
  return reply
    .code(status)
    .header('content-type', PROBLEM_JSON)
    .send(problem(status, title, message));
}

/** A query or a JSON body with no keys but these. */
export function inputOf(input: unknown, keys: readonly string[]): Input {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw badRequest('the body must be a JSON object');
  const unknown = Object.keys(input).filter((key) => !keys.includes(key));
  if (unknown.length > 0) throw badRequest(`unknown: ${unknown.join(', ').slice(0, 200)}; there ${keys.length === 0 ? 'is none' : `are ${keys.join(', ')}`}`);
  return input as Input;
}

/** A query with no keys but these; what is empty counts as left out. */
export function queryOf(query: unknown, keys: readonly string[]): Input {
  return Object.fromEntries(Object.entries(inputOf(query, keys)).filter(([, value]) => value !== ''));
}

/** A text that is not empty. */
export function textIn(input: Input, key: string): string | undefined {
  const value = input[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw badRequest(`${key} must be a text`);
  return value;
}

export function choiceIn<const T extends string>(input: Input, key: string, choices: readonly T[]): T | undefined {
  const value = input[key];
  if (value === undefined) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw badRequest(`${key} is one of ${choices.join(', ')}`);
  return found;
}

/** A number between bounds, in a query as text. */
export function numberIn(input: Input, key: string, bounds: { readonly least: number; readonly most: number }): number | undefined {
  const value = input[key];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= bounds.least && number <= bounds.most))
    throw badRequest(`${key} must be a number from ${bounds.least} to ${bounds.most}`);
  return number;
}

export function flagIn(input: Input, key: string): boolean {
  const value = input[key] ?? false;
  if (typeof value !== 'boolean') throw badRequest(`${key} must be true or false`);
  return value;
}
