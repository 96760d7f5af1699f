import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileNamePattern, matchName, NameTable, splitLevels } from '../../../src/domain/name-pattern.ts';
import { isCheap } from '../../support/cpu.ts';

function match(pattern: string, name: string, separator: '.' | '/' = '.'): string[] | undefined {
  const compiled = compileNamePattern(pattern, separator);
  if (!compiled.ok) throw new Error(compiled.problem);
  return matchName(compiled.value, splitLevels(name, separator), separator);
}

describe('name patterns', () => {
  it.each<[string, string, string[] | undefined]>([
    ['temperature', 'temperature', []],
    ['temperature', 'Temperature', undefined],
    ['*', 'temperature', ['temperature']],
    ['*', 'a.b', undefined],
    ['*.Temperature', 'AM2301.Temperature', ['AM2301']],
    ['*.Temperature', 'Temperature', undefined],
    ['*.*', 'a.b', ['a', 'b']],
    ['DS18B20-*.Temperature', 'DS18B20-1.Temperature', ['1']],
    ['DS18B20-*.Temperature', 'DS18B20-.Temperature', undefined],
    ['a*b*c', 'axbyc', ['x', 'y']],
    ['a*b*c', 'axbybc', ['x', 'yb']],
    ['a*b*c', 'abc', undefined],
    ['*a', 'a', undefined],
    ['StatusSNS.**', 'StatusSNS.ENERGY.Power', ['ENERGY.Power']],
    ['StatusSNS.**', 'StatusSNS', undefined],
    ['**', 'a.b', ['a.b']],
    ['**', '', ['']],
    ['a\\.b.*', 'a\\.b.c', ['c']],
    ['*', 'a\\.b', ['a\\.b']],
    ['a.b', 'a\\.b', undefined],
  ])('%s and %s', (pattern, name, captures) => {
    expect(match(pattern, name)).toEqual(captures);
  });

  it('divide names of devices by slashes', () => {
    expect(match('hall/*', 'hall/m.1', '/')).toEqual(['m.1']);
    expect(match('hall/*', 'hall/a/b', '/')).toBeUndefined();
  });

  it('a table asks the exact name first, then the patterns in order', () => {
    const table = new NameTable<number>(
      [
        ['*.t', 1],
        ['a.*', 2],
        ['a.t', 3],
      ],
      '.',
      () => {},
    );
    expect(['a.t', 'b.t', 'a.u', 'b.u'].map((name) => table.find(name)?.value)).toEqual([3, 1, 2, undefined]);
    expect(table.find('__proto__')).toBeUndefined();
  });

  it('what the stars took, put back, is the name', () => {
    const level = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => !/[.*\\]/.test(text));
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), fc.nat(), (levels, seed) => {
        const pattern = levels.map((text, i) => ((seed >> i) & 1 ? '*' : text)).join('.');
        const captures = match(pattern, levels.join('.'));
        let next = 0;
        expect(captures && pattern.replaceAll('*', () => captures[next++] ?? '?')).toBe(levels.join('.'));
      }),
    );
  });

  it('take linear time on names made to go back over', () => {
    const hostile = 'a'.repeat(1024);
    const work = (): void => {
      for (let i = 0; i < 200; i += 1) expect(match('*a*a*a*a*a*a*a*a*b', hostile)).toBeUndefined();
    };
    expect(isCheap(work)).toBe(true);
  });
});
