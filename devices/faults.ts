import { pick } from './random.ts';
import type { Rng } from './random.ts';
import type { Values } from './profiles/profile.ts';

/** How a sensor misbehaves: see docs/simulator.md. */
export const FAULT_KINDS = ['stuck', 'spike', 'missing', 'null', 'drop-out'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Powers on as 85 (DS18B20), cable broken as -127, "no value" of analysers as -200, an unsigned 16-bit -1. */
const SENTINELS: readonly number[] = [85, -127, -200, 65_535];

/** Turns what the sensor measured into what it says; undefined: it says nothing this time. */
export type FaultySensor = (values: Values, rng: Rng) => Values | undefined;

/**
 * A sensor that works most of the time: one sample in 50 starts an episode of 3 to 12 samples with the fault `kind`.
 * The first sample of an episode of `stuck` is the one that is repeated.
 */
export function faultySensor(kind: FaultKind): FaultySensor {
  let left = 0;
  let held: Values = {};
  let field = '';
  return (values, rng) => {
    if (left === 0) {
      if (rng() >= 0.02) {
        return values;
      }
      left = 3 + Math.floor(rng() * 10);
      held = values;
      const numbers = Object.keys(values).filter((name) => typeof values[name] === 'number');
      field = numbers.length === 0 ? '' : pick(rng, numbers);
    }
    left -= 1;
    if (kind === 'drop-out') {
      return undefined;
    }
    if (kind === 'stuck') {
      return { ...held };
    }
    const measured = values[field];
    if (measured === undefined) {
      return values;
    }
    const said: Values = { ...values };
    if (kind === 'missing') {
      delete said[field];
    } else if (kind === 'null') {
      said[field] = null;
    } else {
      said[field] = rng() < 0.5 ? pick(rng, SENTINELS) : Number(measured) * (10 + Math.floor(rng() * 90));
    }
    return said;
  };
}
