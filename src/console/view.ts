import type { Live } from './live.ts';
import type { Place } from './place.ts';

/** What every view gets. */
export interface Frame {
  readonly place: Place;
  /** Aborted when the view goes: whatever it started ends with it. */
  readonly signal: AbortSignal;
  /** Writes the view's own state into the address, without a new entry in the history. */
  readonly keep: (hash: string) => void;
  /** Said by a screen reader, once. */
  readonly say: (text: string) => void;
}

/** And what the views of a gateway get besides. */
export interface Context extends Frame {
  readonly live: Live;
}

export interface View {
  readonly title: string;
  readonly element: HTMLElement;
}

export type MakeView<F extends Frame = Frame> = (frame: F) => View;
