/** Outcome of compiling a piece of the settings: a problem is a sentence for the person who wrote it, not a fault of a message. */
export type Compiled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

export function compiled<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refused(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
