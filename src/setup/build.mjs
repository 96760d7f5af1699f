import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyPages, PAGES } from './pages.mjs';
import { lastLines, run, SetupError, say } from './say.mjs';

const FOLDERS = ['src', 'devices'];
/** What is compiled: for Node.js, and for browsers. */
const PROJECTS = ['tsconfig.build.json', 'src/console/tsconfig.json'];
const BUILD_MS = 5 * 60_000;

/**
 * Files below a folder, relative to the root, in a fixed order.
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function walk(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? walk(root, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`]));
}

/** @param {string} root */
export function sources(root) {
  return FOLDERS.flatMap((folder) => walk(root, folder)).filter((path) => (/\.(ts|mts|json)$/.test(path) || PAGES.test(path)) && !/\.d\.m?ts$/.test(path));
}

/**
 * Digest of everything that decides what the compiler writes: contents, not times, because a checkout or a copy
 * changes times as it likes.
 * @param {string} root
 */
export function buildStamp(root) {
  const hash = createHash('sha256');
  for (const path of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...sources(root)]) {
    if (!existsSync(join(root, path))) continue;
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path)));
  }
  return `${hash.digest('hex')}\n`;
}

/** @param {string} path source, relative to the root */
const output = (path) => `dist/${path.replace(/\.(m?)ts$/, '.$1js')}`;

/** @param {string} root */
const stampPath = (root) => join(root, 'dist', '.sluice-build');

/** @param {string} root */
function missingOutputs(root) {
  // Data files are written only where something imports them: the digest covers those.
  return sources(root).filter((path) => !path.endsWith('.json') && !existsSync(join(root, output(path))));
}

/** @param {string} root */
export function buildCurrent(root) {
  if (!existsSync(stampPath(root))) return false;
  return readFileSync(stampPath(root), 'utf8') === buildStamp(root) && missingOutputs(root).length === 0;
}

/**
 * Removes what the compiler wrote for sources that are gone.
 * @param {string} root
 */
export function removeOrphans(root) {
  const wanted = new Set(sources(root).map(output));
  for (const path of FOLDERS.flatMap((folder) => walk(root, `dist/${folder}`))) {
    const script = path.replace(/\.map$/, '');
    if (!wanted.has(script) && (/\.m?js$/.test(script) || PAGES.test(script))) rmSync(join(root, path), { force: true });
  }
}

/** @param {string} root */
export async function build(root) {
  say('compiles the sources');
  const stamp = buildStamp(root);
  rmSync(stampPath(root), { force: true });
  // The compiler trusts its record of what it wrote; when files are missing the record is wrong.
  if (missingOutputs(root).length > 0) for (const record of ['.tsbuildinfo', '.tsbuildinfo-console']) rmSync(join(root, 'dist', record), { force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const project of PROJECTS) {
    const ran = await run(process.execPath, [compiler, '-p', project], { cwd: root, timeoutMs: BUILD_MS });
    if (ran.code === 124) throw new SetupError(`the compiler did not end within ${BUILD_MS / 60_000} minutes`);
    if (ran.code !== 0) throw new SetupError(`the sources do not compile:\n${lastLines(ran.output, 20)}`);
  }
  copyPages(root);
  const missing = missingOutputs(root);
  if (missing.length > 0) throw new SetupError(`the compiler wrote nothing for ${missing.slice(0, 3).join(', ')}; remove the folder dist and try again`);
  removeOrphans(root);
  writeFileSync(stampPath(root), stamp);
}
