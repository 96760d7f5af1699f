import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The bench runs compiled, from .sluice/bench/test/bench/support: its child processes are plain Node.

const HERE = dirname(fileURLToPath(import.meta.url));
const COMPILED = HERE.includes(join('.sluice', 'bench', 'test'));

/** Folder of the project. */
export const ROOT = join(HERE, ...(COMPILED ? ['..', '..', '..', '..', '..'] : ['..', '..', '..']));

/** The built gateway. */
export const GATEWAY = join(ROOT, 'dist', 'src', 'main.js');

/** A compiled script of the bench, for a child process: `contenders/floor-process`. */
export function script(name: string): string {
  return join(ROOT, '.sluice', 'bench', 'test', 'bench', `${name}.js`);
}

export function scriptUrl(name: string): string {
  return pathToFileURL(script(name)).href;
}
