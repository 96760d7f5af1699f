import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** config/profiles of the installed program: two levels up from the sources, three from the build. */
export function shippedFolder(): string {
  for (const path of ['../../config/profiles/', '../../../config/profiles/']) {
    const folder = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(folder)) return folder;
  }
  return fileURLToPath(new URL('../../config/profiles/', import.meta.url));
}

/** Names of the profiles that come with the program, sorted; none where its files are incomplete. */
export async function shippedProfiles(): Promise<string[]> {
  try {
    const files = await readdir(shippedFolder());
    return files
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort();
  } catch {
    return [];
  }
}
