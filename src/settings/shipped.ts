import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A folder of the installed program. */
export function shippedFolder(name: 'profiles' | 'payloads'): string {
  return inConfig(`${name}/`);
}

/** A settings file of the installed program. */
export function shippedFile(name: 'edge.yaml' | 'all-profiles.yaml'): string {
  return inConfig(name);
}

/** Two levels up from the sources, three from the build. */
function inConfig(name: string): string {
  for (const path of [`../../config/${name}`, `../../../config/${name}`]) {
    const found = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(found)) return found;
  }
  return fileURLToPath(new URL(`../../config/${name}`, import.meta.url));
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
