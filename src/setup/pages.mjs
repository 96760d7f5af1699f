// The last part of `npm run build`: node src/setup/pages.mjs
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files of the console that no compiler writes. */
export const PAGES = /\.(html|css|svg)$/;

/**
 * Copies them beside the compiled scripts.
 * @param {string} root
 */
export function copyPages(root) {
  const [from, to] = [join(root, 'src', 'console'), join(root, 'dist', 'src', 'console')];
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((each) => PAGES.test(each))) copyFileSync(join(from, name), join(to, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyPages(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
