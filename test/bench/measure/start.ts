import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sluice } from '../contenders/sluice.ts';
import { declare } from '../layout.ts';
import { GATEWAY } from '../support/place.ts';
import type { Measurer } from './outcome.ts';

const run = promisify(execFile);
const READY_MS = 60_000;

/** Milliseconds from the start of a process to what its contender name says. */
export const start: Measurer = async ({ contender, scenario }, stand) => {
  if (contender !== 'sluice-ready') {
    const args = contender === 'sluice-version' ? [GATEWAY, '--version'] : ['-e', '0'];
    const from = performance.now();
    await run(process.execPath, args);
    return { measures: { startMs: performance.now() - from }, failure: undefined };
  }
  mkdirSync(stand.dir, { recursive: true });
  // The topology is in place, as at every start but the first.
  await declare(stand.broker, scenario);
  const from = performance.now();
  const running = await sluice.start(scenario, stand);
  try {
    for (const end = from + READY_MS; performance.now() < end; await sleep(5)) {
      const answer = await fetch(`${running.url ?? ''}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok === true) return { measures: { startMs: performance.now() - from }, failure: undefined };
      if (running.failure() !== undefined) break;
    }
    return { measures: { startMs: Number.NaN }, failure: running.failure() ?? `not ready after ${READY_MS} ms` };
  } finally {
    await running.stop();
  }
};
