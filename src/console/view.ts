import type { Live } from './live.ts';
import type { Place } from './place.ts';

export interface Context {
  readonly live: Live;
  readonly place: Place;
  /** Aborted when the view goes: whatever it started ends with it. */
  readonly signal: AbortSignal;
  /** Writes the view's own state into the address, without a new entry in the history. */
  readonly keep: (hash: string) => void;
  /** Said by a screen reader, once. */
  readonly say: (text: string) => void;
}

export interface View {
  readonly title: string;
  readonly element: HTMLElement;
}

export type MakeView = (context: Context) => View;
