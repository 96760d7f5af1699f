import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../../src/domain/conversion.ts';
import { loadUnits, type UnitConverter } from '../../../src/settings/units.ts';

describe('units', () => {
  let units: UnitConverter;
  beforeAll(() => {
    units = loadUnits();
  });

  it.each<[string, string, number, number]>([
    ['[degF]', 'Cel', 69.8, 21],
    ['Cel', '[degF]', 21, 69.8],
    ['Cel', 'K', 0, 273.15],
    ['kWh', 'J', 1, 3_600_000],
    ['W.min', 'Wh', 90, 1.5],
    ['Wh', 'kWh', 21_500, 21.5],
    ['hPa', 'mm[Hg]', 1013.25, 760.0021001785],
    ["[in_i'Hg]", 'hPa', 29.92, 1013.20453696],
    ['%', '1', 45, 0.45],
    ['%RH', '/100', 45, 45],
    ['lat', 'rad', 180, Math.PI],
    ['beat/min', 'Hz', 60, 1],
    ['ppm', '%', 10_000, 1],
    ['m/s', 'km/h', 10, 36],
    ['count', '1', 7, 7],
    ['KiB', 'B', 2, 2048],
    ['VA', 'W', 5, 5],
    ['V', 'mV', 0.23, 230],
  ])('%s to %s', (from, to, value, wanted) => {
    const result = units(from, to);
    expect(result).toMatchObject({ ok: true, value: { from, to } });
    expect(result.ok && convert(value, result.value)).toBeCloseTo(wanted, 5);
  });

  it.each<[string, string, string | undefined, RegExp]>([
    ['m', 's', undefined, /measure different things/],
    ['W', 'W.h', undefined, /measure different things/],
    ['dBm', 'mW', undefined, /logarithm/],
    ['pH', 'mol/l', undefined, /measure different things/],
    ['mol', 'g', undefined, /measure different things/],
    ['°C', 'K', 'from', /no unit/],
    ['K', 'degC', 'to', /no unit/],
    ['', '1', 'from', /no unit/],
    ['__proto__', '1', 'from', /no unit/],
    ['toString', '1', 'from', /no unit/],
  ])('%s to %s is refused', (from, to, at, problem) => {
    expect(units(from, to)).toMatchObject({ ok: false, at, problem: expect.stringMatching(problem) });
  });

  it('says what was meant', () => {
    expect(units('°C', 'K')).toMatchObject({ hint: 'in UCUM that is "Cel"' });
  });
});

const main = fileURLToPath(new URL('../../../dist/src/main.js', import.meta.url));

describe.skipIf(!existsSync(main))('the tables of units', () => {
  it('are not loaded where nothing is converted', () => {
    const script = `const { loadSettings } = await import(${JSON.stringify(new URL('settings/load.js', `file://${main}`).href)});
      await loadSettings(${JSON.stringify(fileURLToPath(new URL('../../../config/sluice.yaml', import.meta.url)))}, {});
      const { createRequire } = await import('node:module');
      console.log(Object.keys(createRequire(${JSON.stringify(`file://${main}`)}).cache ?? {}).some((file) => file.includes('ucum-lhc')));`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 30_000 }).trim()).toBe('false');
  });
});
