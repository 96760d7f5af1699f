import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A folder of the installed program: two levels up from the sources, three from the build. */
export function shippedFolder(name: 'profiles' | 'payloads'): string {
  for (const path of [`../../config/${name}/`, `../../../config/${name}/`]) {
    const folder = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(folder)) return folder;
  }
  return fileURLToPath(new URL(`../../config/${name}/`, import.meta.url));
}

/** Names of the profiles, or layouts, that come with the program, sorted; none where its files are incomplete. */
export async function shippedNames(name: 'profiles' | 'payloads'): Promise<string[]> {
  try {
    const files = await readdir(shippedFolder(name));
    return files
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort();
  } catch {
    return [];
  }
}
