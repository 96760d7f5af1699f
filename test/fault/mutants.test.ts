import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { privately, ROOT } from './runs.ts';

// A suite that cannot fail proves nothing: each of these gateways breaks one promise, and the verdict must say which.

interface Mutant {
  readonly file: string;
  /** Text of the build, and what stands there instead. */
  readonly edits: readonly (readonly [string, string])[];
}

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A copy of the build with these edits; answers its `main.js`. */
function build({ file, edits }: Mutant): string {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(ROOT, '.sluice', 'mutant-'));
  folders.push(folder);
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const name of ['package.json', 'config']) symlinkSync(join(ROOT, name), join(folder, name));
  const path = join(folder, 'dist/src', file);
  let text = readFileSync(path, 'utf8');
  for (const [from, to] of edits) {
    expect(text.split(from), `${file} has ${JSON.stringify(from)} once`).toHaveLength(2);
    text = text.replace(from, () => to);
  }
  writeFileSync(path, text);
  return join(folder, 'dist/src/main.js');
}

const ACKS_ON_DELIVERY: Mutant = {
  file: 'rabbit/intake.js',
  edits: [
    ['channel.ack({ fields: { deliveryTag } }, allUpTo)', 'undefined'],
    ['(message) => intake.take(message))', '(message) => intake.take(message), { noAck: true })'],
  ],
};
const ACKS_BEFORE_THE_CONFIRM: Mutant = { file: 'rabbit/publisher.js', edits: [['            watch();\n', '            pending.settle(ok(undefined));\n']] };
const IGNORES_RETURNS: Mutant = {
  file: 'rabbit/publisher.js',
  edits: [["pending.returned = message.fields.replyText ?? 'returned'", 'pending.returned = undefined']],
};
const RETRIES_BEHIND_LATER_WORK: Mutant = {
  file: 'pipeline/lane.js',
  edits: [['        if (!this.running) {\n            this.running = true;\n            void this.run();\n        }', '        void this.sendHead(batch);']],
};

describe('a gateway', () => {
  it('that acks on delivery is caught when it is killed (F16)', async () => {
    const report = await privately(['gateway-kill'], { gateway: build(ACKS_ON_DELIVERY) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that acks before the confirm is caught when the destination refuses (F12)', async () => {
    const report = await privately(['output-full'], { gateway: build(ACKS_BEFORE_THE_CONFIRM) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that ignores returns is caught when the destination has no queue (F13)', async () => {
    const report = await privately(['output-queue-deleted'], { gateway: build(IGNORES_RETURNS) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that retries behind later work is caught when the destination is gone for a while (F13)', async () => {
    const report = await privately(['output-exchange-deleted'], { gateway: build(RETRIES_BEHIND_LATER_WORK) });
    expect(report.outOfOrder).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });
});
