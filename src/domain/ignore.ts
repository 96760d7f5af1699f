import { type Document, type PayloadPath, readPath } from './payload-path.ts';

/** A condition under which a payload, or an element of it, holds no readings. */
export interface IgnoreCheck {
  readonly path: PayloadPath;
  readonly is: ReadonlySet<unknown> | undefined;
  readonly exists: boolean | undefined;
}

/** Whether one of the conditions holds. */
export function isIgnored(checks: readonly IgnoreCheck[], own: Document, whole: Document): boolean {
  for (const { path, is, exists } of checks) {
    const found = readPath(path, own, whole);
    if ((is === undefined || is.has(found)) && (exists === undefined || (found !== undefined) === exists)) {
      return true;
    }
  }
  return false;
}
