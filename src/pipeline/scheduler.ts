import type { Scheduler } from './ports.ts';

/** Real time. Timers do not keep the process alive: what must stay alive holds a connection or a listener. */
export const systemScheduler: Scheduler = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    if (ms <= 0) {
      // setTimeout makes 1 ms of it. Not unref'd: the loop would sleep in front of it. It keeps the process for this turn alone.
      const immediate = setImmediate(fn);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
