import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { filesNamedIn, type Opened, parseYaml } from './document.ts';
import type { Sources } from './interpolate.ts';
import type { Path, Place, Problems } from './problem.ts';

/** Larger than any settings file or certificate; a path to a device or a disk image should not fill the memory. */
const MAX_FILE_BYTES = 4_194_304;

/** A file, parsed, with all that it names by `${file:PATH}` read. `from`: who asked for it, for the problem that it is not there. */
export async function openYaml(
  file: string,
  shown: string,
  env: NodeJS.ProcessEnv,
  problems: Problems,
  from: { readonly at: Path; readonly place: Place },
): Promise<Opened | undefined> {
  const source = await readText(file);
  if (!source.ok) {
    problems.add('error', from.place, from.at, `cannot read ${shown}: ${source.reason}`);
    return undefined;
  }
  const yaml = parseYaml(shown, source.text, problems);
  if (yaml === undefined) return undefined;
  const contents = new Map<string, Text>();
  for (const name of filesNamedIn(yaml)) {
    const content = await readText(path.resolve(path.dirname(file), name));
    contents.set(name, content);
    if (content.ok) problems.hide(content.text.trim());
  }
  const sources: Sources = {
    variable: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    file: (name) => contents.get(name) ?? { ok: false, reason: 'was not read' },
  };
  return { yaml, sources };
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

async function readText(file: string): Promise<Text> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) return { ok: false, reason: 'it is a folder' };
    if (!found.isFile()) return { ok: false, reason: 'it is not a regular file' };
    if (found.size > MAX_FILE_BYTES) return { ok: false, reason: `it is larger than ${MAX_FILE_BYTES} bytes` };
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8';
  return code === '' ? 'it cannot be read' : code;
}
