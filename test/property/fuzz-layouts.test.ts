import { describe, expect, it } from 'vitest';
import { readLayout } from '../../src/domain/layout/run.ts';
import { MOST_BYTES } from '../../src/domain/layout/spec.ts';
import { layoutVectors, planOf, shippedLayouts } from '../support/layouts.ts';
import { mutated } from '../support/mutate.ts';
import { seededRandom } from '../support/sim/virtual-time.ts';

// Every shipped layout against arbitrary bytes and against mutations of real ones: it reads them or refuses them, and never
// throws, hangs, or hands out what is no plain data. SLUICE_FUZZ_SECONDS lengthens it, SLUICE_SEED repeats a run.
const SECONDS = Number(process.env['SLUICE_FUZZ_SECONDS'] ?? 0);
const INPUTS = 2000;
const SEED = Number(process.env['SLUICE_SEED'] ?? 1);
/** Far above what any of these inputs takes, also on a busy machine. */
const STUCK_MS = 5000;

const layouts = await shippedLayouts();
const vectors = layoutVectors();

/** What is not plain data, if anything. */
function strange(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  if (typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value !== 'object' || value === null || depth > 3) return typeof value;
  for (const item of Object.values(value)) {
    const found = strange(item, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('every shipped layout, against anything', () => {
  it.each([...layouts])('%s never throws, hangs or invents', { timeout: SECONDS * 1000 + 60_000 }, (name, spec) => {
    const plan = planOf(spec);
    const random = seededRandom(SEED);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const own = vectors.filter((vector) => vector.layout === name);
    const end = performance.now() + (SECONDS * 1000) / layouts.size;
    let accepted = 0;
    for (let inputs = 0; SECONDS > 0 ? performance.now() < end : inputs < INPUTS; inputs += 1) {
      const seed = pick(own);
      const other = pick(vectors);
      const body =
        random() < 0.2
          ? Buffer.from(Array.from({ length: Math.floor(random() * 64) }, () => Math.floor(random() * 256)))
          : mutated(Buffer.from(seed.hex, 'hex'), Buffer.from(other.hex, 'hex'), random);
      const port = pick([seed.port, seed.port, undefined, 85, 200]);
      const since = performance.now();
      const where = `${name}, SLUICE_SEED=${SEED}, input ${inputs}: port ${port}, ${body.toString('hex').slice(0, 2000)}`;
      let read: ReturnType<typeof readLayout>;
      try {
        read = readLayout(plan, body, port);
      } catch (error) {
        throw new Error(`${where} threw`, { cause: error });
      }
      if (performance.now() - since > STUCK_MS) throw new Error(`${where} is stuck`);
      if (read === undefined) continue;
      accepted += 1;
      expect(body.length).toBeLessThanOrEqual(MOST_BYTES);
      const found = strange({ ...read.values });
      if (found !== undefined) throw new Error(`${where} gave ${found}`);
    }
    expect(accepted).toBeGreaterThan(10);
  });
});
