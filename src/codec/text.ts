import { isAscii, isUtf8 } from 'node:buffer';
import { failed, type Result } from '../domain/fault.ts';
import type { Flag } from '../domain/reading.ts';

/** A payload as text, and the flags that its bytes have earned it. */
export interface PayloadText {
  readonly text: string;
  readonly flags: readonly Flag[];
}

const PLAIN: readonly Flag[] = [];
const MARKED: readonly Flag[] = ['bom'];

/**
 * The text of a payload, or INVALID_UTF8: nothing is replaced. One byte-order mark at the start is skipped and flagged.
 * UTF-16 with a mark is not UTF-8 (0xFE and 0xFF never occur in it, RFC 3629 section 1), so it is refused here too.
 */
export function payloadText(body: Buffer): Result<PayloadText> {
  const marked = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  const start = marked ? 3 : 0;
  const flags = marked ? MARKED : PLAIN;
  if (!marked && isAscii(body)) {
    return { ok: true, value: { text: body.toString('latin1'), flags } };
  }
  return isUtf8(body) ? { ok: true, value: { text: body.toString('utf8', start), flags } } : failed('INVALID_UTF8', 'the payload is not UTF-8');
}
