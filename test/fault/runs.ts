import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Report, reportLines } from '../../src/verify/report.ts';
import { verify, type VerifyOptions } from '../../src/verify/run.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
export const CONFIG = join(ROOT, 'config/sluice.yaml');
export const GATEWAY = join(ROOT, 'dist/src/main.js');
/** Reports of this run, for the table of measured times. */
export const REPORTS = join(ROOT, '.sluice', 'fault-reports');
/** SLUICE_SEED repeats a run. */
export const SEED = Number(process.env['SLUICE_SEED'] ?? 1);

/** One run of `sluice verify` with a private broker; `name`: of its report, which is kept where one is given. */
export async function privately(faults: readonly string[], options: Partial<VerifyOptions> & { gateway?: string } = {}, name?: string): Promise<Report> {
  const { gateway = GATEWAY, ...rest } = options;
  const report = await verify(
    { target: { mode: 'private', config: CONFIG, root: join(ROOT, '.sluice'), gateway }, rate: 300, seconds: 5, devices: 40, faults, seed: SEED, ...rest },
    process.stdout,
    new AbortController().signal,
  );
  console.log(reportLines(report).join('\n'));
  if (name !== undefined) {
    mkdirSync(REPORTS, { recursive: true });
    writeFileSync(join(REPORTS, `${name}.json`), JSON.stringify(report));
  }
  return report;
}

/** What must hold in every run, whatever was broken. */
export function balance({ lost, unexpected, outOfOrder, changed, problems }: Report): object {
  return { lost, unexpected, outOfOrder, changed, problems };
}

export const GOOD = { lost: 0, unexpected: 0, outOfOrder: 0, changed: 0, problems: [] };
