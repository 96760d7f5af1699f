import { readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Paths that a pattern stands for, in the order of their names. `*` and `?` match within one part of the path and not
 * a leading dot; a pattern without them is its own answer, whether the file exists or not.
 */
export async function expand(base: string, pattern: string): Promise<string[]> {
  if (!/[*?]/.test(pattern)) return [path.resolve(base, pattern)];
  const absolute = path.resolve(base, pattern);
  const { root } = path.parse(absolute);
  let folders = [root];
  for (const part of absolute.slice(root.length).split(path.sep)) {
    if (!/[*?]/.test(part)) {
      folders = folders.map((folder) => path.join(folder, part));
      continue;
    }
    const matches = nameMatcher(part);
    const next: string[] = [];
    for (const folder of folders) for (const name of await names(folder)) if (matches(name)) next.push(path.join(folder, name));
    folders = next;
  }
  return folders.sort();
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Not a folder, or not readable: nothing in it matches, and the caller says so when nothing matched at all.
    return [];
  }
}

function nameMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const whole = new RegExp(`^${source}$`, 'su');
  return (name) => !name.startsWith('.') && whole.test(name);
}
