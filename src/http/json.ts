import { redactCredentials } from '../domain/redact.ts';
import { safeJson } from '../domain/safe-text.ts';

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return redactCredentials(value);
  if (typeof value !== 'bigint') return value;
  // JSON has numbers of any size, but most readers take them as doubles: beyond 2^53 a string keeps every digit.
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

/** JSON text of any plain value. Never throws on a bigint; no URL in it shows a password, and nothing in it can steer a terminal. */
export function toJson(value: unknown): string {
  return safeJson(JSON.stringify(value, plain));
}

/** RFC 9457 problem details, with what else there is to say; `about:blank` means that the status code says it all. */
export function problem(status: number, title: string, detail: string, more: object = {}): string {
  return toJson({ type: 'about:blank', title, status, detail, ...more });
}

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';
