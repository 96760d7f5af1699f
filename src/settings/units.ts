import { createRequire } from 'node:module';
import type { Conversion } from '../domain/conversion.ts';

/** Names of RFC 8428 section 12.1 and RFC 8798 that are not those of UCUM. The others are the same (Cel, V, W, lx, m/s2). */
const SENML: Readonly<Record<string, string>> = {
  '/': '1',
  count: '1',
  beats: '1',
  'beat/min': '/min',
  '%RH': '%',
  '%EL': '%',
  EL: 's',
  lat: 'deg',
  lon: 'deg',
  Bspl: 'B[SPL]',
  dBW: 'dB[W]',
  Ah: 'A.h',
  VA: 'V.A',
  kVA: 'kV.A',
  VAh: 'V.A.h',
  kVAh: 'kV.A.h',
  Wh: 'W.h',
  kWh: 'kW.h',
  'Wh/km': 'W.h/km',
  var: 'V.A',
  kvar: 'kV.A',
  varh: 'V.A.h',
  kvarh: 'kV.A.h',
  'var/km': 'V.A/km',
  B: 'By',
  'B/s': 'By/s',
  KiB: '1024.By',
  GB: 'GBy',
  'MB/s': 'MBy/s',
  ppm: '[ppm]',
  '/100': '%',
  '/1000': '10*-3',
};

/** What people write, and what it is in UCUM; for the hint only, because a guess is no unit. */
const MEANT: Readonly<Record<string, string>> = {
  '°C': 'Cel',
  '°F': '[degF]',
  F: '[degF]',
  '°': 'deg',
  mmHg: 'mm[Hg]',
  inHg: "[in_i'Hg]",
  psi: '[psi]',
  mph: '[mi_i]/h',
  kn: '[kn_i]',
  ft: '[ft_i]',
  in: '[in_i]',
  gal: '[gal_us]',
  µg: 'ug',
  Ω: 'Ohm',
};

/** The part of @lhncbc/ucum-lhc that is used; the package has no types. */
interface Utils {
  convertUnitTo(from: string, value: number, to: string): { readonly status: 'succeeded' | 'failed' | 'error'; readonly toVal: number | null };
  validateUnitString(unit: string): { readonly status: 'valid' | 'invalid' | 'error' };
}

export type UnitResult =
  | { readonly ok: true; readonly value: Conversion }
  | { readonly ok: false; readonly at: 'from' | 'to' | undefined; readonly problem: string; readonly hint: string | undefined };

/** Factor and offset between two units, or why there are none. */
export type UnitConverter = (from: string, to: string) => UnitResult;

const notLinear = (from: string, to: string): string => `${from} to ${to} is not a factor and an offset (a logarithm, perhaps)`;

/** Loads the tables of UCUM (about 0.4 s), so only where a profile converts. */
export function loadUnits(): UnitConverter {
  const ucum = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as { readonly UcumLhcUtils: { getInstance(): Utils } };
  const utils = ucum.UcumLhcUtils.getInstance();
  const known = new Map<string, UnitResult>();
  const value = (from: string, x: number, to: string): number => {
    try {
      const result = utils.convertUnitTo(from, x, to);
      return result.status === 'succeeded' && result.toVal !== null ? result.toVal : Number.NaN;
    } catch {
      // Its tables are plain objects, so it takes `toString` for a unit, until it needs one.
      return Number.NaN;
    }
  };
  const valid = (unit: string): boolean => unit !== '' && utils.validateUnitString(unit).status === 'valid' && !Number.isNaN(value(unit, 1, unit));
  const derive = (from: string, to: string): UnitResult => {
    const [source, target] = [inUcum(from), inUcum(to)];
    if (source === 'dBm' || target === 'dBm') return { ok: false, at: undefined, problem: notLinear(from, to), hint: undefined };
    for (const [at, written, unit] of [
      ['from', from, source],
      ['to', to, target],
    ] as const) {
      if (!valid(unit)) {
        const meant = Object.hasOwn(MEANT, written) ? MEANT[written] : undefined;
        const hint = meant === undefined ? 'units are those of UCUM (https://ucum.org), or of SenML' : `in UCUM that is ${JSON.stringify(meant)}`;
        return { ok: false, at, problem: `${JSON.stringify(written)} is no unit`, hint };
      }
    }
    const zero = value(source, 0, target);
    const thousand = value(source, 1000, target);
    if (Number.isNaN(zero) || Number.isNaN(thousand)) {
      return { ok: false, at: undefined, problem: `${from} cannot be converted to ${to}: they measure different things`, hint: undefined };
    }
    const factor = zero === 0 ? value(source, 1, target) : (thousand - zero) / 1000;
    const half = value(source, 500, target);
    if (!(Math.abs(factor * 500 + zero - half) <= 1e-9 * Math.max(Math.abs(half), Math.abs(zero), Math.abs(factor))) || factor === 0) {
      return { ok: false, at: undefined, problem: notLinear(from, to), hint: undefined };
    }
    return { ok: true, value: { from, to, factor, offset: zero } };
  };
  return (from, to) => {
    const key = JSON.stringify([from, to]);
    let result = known.get(key);
    if (result === undefined) {
      result = derive(from, to);
      known.set(key, result);
    }
    return result;
  };
}

function inUcum(unit: string): string {
  return Object.hasOwn(SENML, unit) ? (SENML[unit] as string) : unit;
}
