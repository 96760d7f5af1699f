import type { Scheduler } from '../pipeline/ports.ts';

/** Something outside did not answer in time. */
export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what}: no answer within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * The promise, or a `DeadlineError` after `ms`. amqplib's own promises never settle when the peer dies at the wrong
 * moment (measured: close, and createChannel on a connection that is lost meanwhile), so nothing awaits them bare.
 */
export function within<T>(promise: Promise<T>, ms: number, what: string, scheduler: Scheduler): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = scheduler.after(ms, () => reject(new DeadlineError(what, ms)));
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** Waits `ms`, or shorter when the signal aborts. Answers false when it aborted. */
export function pause(ms: number, signal: AbortSignal, scheduler: Scheduler): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve(!signal.aborted);
    };
    const cancel = scheduler.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
