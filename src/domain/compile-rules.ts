import { NameTable } from './name-pattern.ts';
import type { ProfileSpec } from './profile.ts';
import { ShaperChoice } from './shaper-choice.ts';
import { compileRules, exactNames, isPlain, unitPath, type ValueRules, type ValueRulesSpec } from './value-rules.ts';
import { ValueShaper } from './value-shaper.ts';
import type { ValuesCompiler, ValuesPlan } from './values-plan.ts';

type Compiler = Pick<ValuesCompiler, 'problem' | 'path'>;

/** The rules of the profile and of its devices; undefined where a table of units by exact name does all that they ask. */
export function compileShapers(spec: ProfileSpec, compiler: Compiler): ShaperChoice | undefined {
  const unitNames = new Map(Object.entries(spec.unitNames ?? {}));
  const common = rulesOf([], spec, compiler);
  // Where the payload, or the layout of its bytes, names units, they have to be looked up.
  const stated = spec.unitsFrom !== undefined || spec.pairs?.unit !== undefined || spec.payload !== undefined;
  const plain = isPlain(common, spec) && unitNames.size === 0 && !stated;
  const shaper = plain ? undefined : new ValueShaper([common], unitNames);
  if (spec.devices === undefined || Object.keys(spec.devices).length === 0) {
    return shaper === undefined ? undefined : new ShaperChoice(shaper, undefined);
  }
  const devices = new NameTable(
    Object.entries(spec.devices).map(([name, rules]) => [name, new ValueShaper([rulesOf(['devices', name], rules, compiler), common], unitNames)]),
    '/',
    (name, message) => compiler.problem(['devices', name], message),
  );
  return new ShaperChoice(shaper, devices);
}

function rulesOf(at: readonly (string | number)[], spec: ValueRulesSpec, compiler: Compiler): ValueRules {
  const { rules, problems } = compileRules(spec);
  for (const problem of problems) {
    compiler.problem([...at, ...problem.at], problem.message);
  }
  for (const [name, text] of Object.entries(spec.units ?? {})) {
    if (unitPath(text)?.ok === true) {
      // The place of a unit is not a value.
      compiler.path([...at, 'units', name], text, true);
    }
  }
  return rules;
}

/** Units by exact name that are the same for every payload. */
export function fixedUnits(spec: ProfileSpec): Record<string, string> {
  return Object.fromEntries(Object.entries(spec.units ?? {}).filter(([name, unit]) => !name.includes('*') && unitPath(unit) === undefined));
}

/** Where all names are known, a rule for another name is a mistake. */
export function unknownNames(spec: ProfileSpec, values: ValuesPlan, compiler: Compiler): void {
  if (values.kind !== 'table' || values.entries.some((entry) => entry.template !== undefined) || spec.rename !== undefined) {
    return;
  }
  const names = values.entries.map((entry) => entry.name);
  const known = (name: string): boolean => names.some((value) => name === value || name.startsWith(`${value}.`)) || name === spec.scalar;
  for (const key of ['units', 'map', 'sentinels', 'ranges', 'convert'] as const) {
    for (const name of exactNames(spec[key])) {
      if (!known(name)) {
        compiler.problem([key], `no value is named "${name}"`);
      }
    }
  }
}
