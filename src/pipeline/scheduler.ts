import type { Scheduler } from './ports.ts';

/** Real time. Timers do not keep the process alive: what must stay alive holds a connection or a listener. */
export const systemScheduler: Scheduler = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
