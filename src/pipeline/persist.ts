import { type Fault, fault, type Result } from '../domain/fault.ts';
import { backoffMs } from './backoff.ts';
import type { Scheduler } from './ports.ts';

export interface RetryOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The part of a sink that tells whether trying makes sense. */
export interface Availability {
  readonly unavailable: Fault | undefined;
  onAvailable(listener: () => void): () => void;
}

export type Ending =
  | { readonly kind: 'done'; readonly attempts: number }
  | { readonly kind: 'permanent'; readonly fault: Fault; readonly attempts: number }
  /** Held until `giveUp` said that it was long enough. */
  | { readonly kind: 'expired'; readonly fault: Fault; readonly attempts: number }
  | { readonly kind: 'aborted'; readonly attempts: number };

/** What is tried, and who hears of it. Not functions that are made anew for each: an attempt may be one reading. */
export interface PersistTask {
  readonly attempt: (signal: AbortSignal) => Promise<Result<void>>;
  /** Told of each failure, with the wait that follows. */
  readonly onFailure: (fault: Fault, attempts: number, retryMs: number) => void;
  /** Asked after each failure: true ends it as expired. */
  readonly giveUp: () => boolean;
}

export interface PersistServices {
  readonly sink: Availability;
  readonly retry: RetryOptions;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/**
 * Tries until the broker has it, says that it never will, or the signal aborts. While the sink is unavailable no
 * attempt is made and none is counted: it wakes when the sink does. This is the only retry loop of the gateway.
 */
export async function persist(task: PersistTask, { sink, scheduler, signal, retry }: PersistServices): Promise<Ending> {
  let attempts = 0;
  for (;;) {
    if (signal.aborted) return { kind: 'aborted', attempts };
    const away = sink.unavailable;
    let failure: Fault;
    if (away !== undefined) {
      failure = away;
    } else {
      attempts += 1;
      const result = await task.attempt(signal);
      if (result.ok) return { kind: 'done', attempts };
      if (signal.aborted) return { kind: 'aborted', attempts };
      failure = result.fault;
      if (failure.kind === 'permanent') return { kind: 'permanent', fault: failure, attempts };
    }
    if (task.giveUp()) return { kind: 'expired', fault: fault('HELD_TOO_LONG', `${failure.code}: ${failure.message}`), attempts };
    // While the sink is away it wakes us; the timer then only serves `giveUp`.
    const gone = sink.unavailable !== undefined;
    const wait = gone ? retry.capMs : backoffMs(attempts, () => scheduler.random(), retry.baseMs, retry.capMs);
    task.onFailure(failure, attempts, wait);
    await pause(wait, gone ? sink : undefined, scheduler, signal);
  }
}

function pause(ms: number, availability: Availability | undefined, scheduler: Scheduler, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let unlisten = (): void => {};
    const end = (): void => {
      cancel();
      unlisten();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = scheduler.after(ms, end);
    signal.addEventListener('abort', end);
    if (availability !== undefined) unlisten = availability.onAvailable(end);
  });
}
