/**
 * Full jitter: a uniform choice between 0 and `min(cap, base * 2^(attempt-1))` milliseconds, so that many
 * clients that failed together do not come back together (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015).
 * `attempt` counts from 1. A tenth of the bound is the least, so that a lucky draw cannot turn into a hot loop.
 */
export function backoffMs(attempt: number, random: () => number, baseMs: number, capMs: number): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30));
  return bound * (0.1 + 0.9 * random());
}
