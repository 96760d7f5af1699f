import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Module names in static and dynamic imports and re-exports. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] as string);
}

describe('devices/', () => {
  const files = readdirSync(resolve(ROOT, 'devices'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

  it('is an independent implementation: it imports nothing from outside its folder but packages', () => {
    expect(files.length).toBeGreaterThan(15);
    let seen = 0;
    const foreign: string[] = [];
    for (const name of files) {
      const path = resolve(ROOT, 'devices', name);
      for (const target of importsOf(readFileSync(path, 'utf8'))) {
        seen += 1;
        const inside = target.startsWith('.') && !relative(resolve(ROOT, 'devices'), resolve(dirname(path), target)).startsWith('..');
        if (!inside && !/^(node:|mqtt$)/.test(target)) {
          foreign.push(`${name} imports ${target}`);
        }
      }
    }
    expect(foreign).toEqual([]);
    expect(seen).toBeGreaterThan(40);
  });
});
