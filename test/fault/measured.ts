import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';
import { join } from 'node:path';
import { measuredMarkdown } from '../../src/verify/matrix.ts';
import type { Report } from '../../src/verify/report.ts';
import { REPORTS, ROOT } from './runs.ts';

/** With UPDATE_DOCS=1 the times of this run become docs/faults-measured.md. */
export default function setup(): () => void {
  rmSync(REPORTS, { recursive: true, force: true });
  return () => {
    if (process.env['UPDATE_DOCS'] !== '1' || !existsSync(REPORTS)) return;
    const reports = readdirSync(REPORTS)
      .sort()
      .map((name) => JSON.parse(readFileSync(join(REPORTS, name), 'utf8')) as Report);
    const machine = `${availableParallelism()} cores shared with other work, ${platform()} ${arch()}, Node.js ${process.version}, private RabbitMQ`;
    writeFileSync(join(ROOT, 'docs/faults-measured.md'), measuredMarkdown(reports, machine));
  };
}
