// Preloaded (`node --import`) into every contender that is a Node process, so that all are asked in the same way for what only the
// inside knows. On SIGUSR2 it writes what was since the last one into a file (probe-file.ts), and begins anew.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { ProbeReading } from './probe-file.ts';

const RESOLUTION_MS = 5;
const file = process.env['BENCH_PROBE_FILE'];

if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let gcMs = 0;
  let turn = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMs += duration;
  }).observe({ entryTypes: ['gc'] });
  process.on('SIGUSR2', () => {
    turn += 1;
    // The histogram holds the time between two of its ticks, an undisturbed one being as long as the resolution.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    const reading: ProbeReading = { turn, gcMs, loopP99Ms: late(delay.percentile(99)), loopMaxMs: late(delay.max) };
    writeFileSync(`${file}.next`, JSON.stringify(reading));
    renameSync(`${file}.next`, file);
    delay.reset();
    gcMs = 0;
  });
}
