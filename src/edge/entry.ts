import type { Link } from '../domain/chain.ts';
import type { KeptMessage } from '../domain/kept-message.ts';

/** A message that the keeper holds in memory: under way to the outlet, waiting for its turn, or waiting for room in the spool. */
export interface Entry extends Link<Entry> {
  readonly message: KeptMessage;
  /** Called when the message is safe, then undefined: nobody waits, or nobody does any more. */
  done: ((error: Error | undefined) => void) | undefined;
  /** Place in the spool; 0 while there is no copy. */
  seq: number;
  /** The copy is being written. */
  writing: boolean;
  /** Best effort: never written, dropped when it cannot be sent. */
  readonly volatile: boolean;
  /** When it came, on a clock that never jumps. */
  readonly since: number;
  /** Under way to the outlet. */
  sent: boolean;
  /** The outlet has it for good, or it was given up: nothing more is owed. */
  gone: boolean;
}

export function entryOf(message: KeptMessage, since: number, done: Entry['done'], volatile = false): Entry {
  return { message, done, seq: 0, writing: false, volatile, since, sent: false, gone: false, older: undefined, newer: undefined };
}

/** Nothing but memory has it, and it is still owed. */
export function needsCopy(entry: Entry): boolean {
  return entry.seq === 0 && !entry.gone && !entry.volatile;
}

/** It is safe: tells whoever waits, once. */
export function answer(entry: Entry): void {
  const { done } = entry;
  entry.done = undefined;
  done?.(undefined);
}
