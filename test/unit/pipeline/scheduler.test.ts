import { afterEach, expect, it, vi } from 'vitest';
import { systemScheduler } from '../../../src/pipeline/scheduler.ts';

afterEach(() => vi.useRealTimers());

it('calls at the end of the turn what is due at once, without a timer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const called: string[] = [];
  systemScheduler.after(0, () => called.push('cancelled'))();
  systemScheduler.after(0, () => called.push('due'));
  systemScheduler.after(1, () => called.push('later'));
  expect(called).toEqual([]);
  // Without it the loop might sleep until something else happens.
  expect(process.getActiveResourcesInfo()).toContain('Immediate');
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(called).toEqual(['due']);
  vi.advanceTimersByTime(1);
  expect(called).toEqual(['due', 'later']);
});
