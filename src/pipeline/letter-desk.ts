import type { Letter, LetterChanges, LetterFilter, LetterWalk, ReplayRules } from '../domain/letter.ts';

/** Sees one letter. The bytes are good until it answers. Answering false ends the walk. */
export type LetterVisitor = (letter: Letter, body: Buffer) => boolean | void | Promise<boolean | void>;

export interface ChangeOptions {
  /** Most letters that are replayed or dropped. */
  readonly limit?: number | undefined;
  /** Ends it early; what was not done stays in the queue. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayOptions extends ChangeOptions, ReplayRules {
  /** Most letters per second; as fast as the broker confirms when absent. */
  readonly rate?: number | undefined;
}

/**
 * The dead letters as somebody who looks after them sees them.
 *
 * - Looking takes nothing away and changes no order.
 * - A letter is taken away only when it was dropped on purpose, or when its replay is confirmed and not returned.
 * - Only letters that were there at the start are looked at: one that fails again during its replay is not replayed again.
 * - Replays of one topic arrive in the order of the queue.
 *
 * Everything rejects with a `LetterDeskError` where it cannot be done, and with a `LetterFilterError` for a wrong filter.
 */
export interface LetterDesk {
  walk(filter: LetterFilter, visit: LetterVisitor, signal?: AbortSignal): Promise<LetterWalk>;
  replay(filter: LetterFilter, options: ReplayOptions): Promise<LetterChanges>;
  drop(filter: LetterFilter, options: ChangeOptions): Promise<LetterChanges>;
}

/** `busy`: somebody else is at the desk. `refused`: a right is missing. `missing`: no such queue. `unavailable`: no broker. */
export type LetterDeskTrouble = 'busy' | 'refused' | 'missing' | 'unavailable';

export class LetterDeskError extends Error {
  override readonly name = 'LetterDeskError';
  readonly trouble: LetterDeskTrouble;

  constructor(trouble: LetterDeskTrouble, message: string) {
    super(message);
    this.trouble = trouble;
  }
}
