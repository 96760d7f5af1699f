import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { type LoadOptions, type LoadResult, loadSettings, type Problem, type Settings } from '../../../src/settings/load.ts';

let folders: string[] = [];

afterAll(async () => {
  await Promise.all(folders.map(async (folder) => rm(folder, { recursive: true, force: true })));
  folders = [];
});

/** A folder of its own with these files; gone after the tests of the file. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-settings-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

export interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly options?: LoadOptions;
}

export async function load(text: string, given: Given = {}): Promise<LoadResult> {
  const folder = await folderWith({ ...given.files, 'settings.yaml': text });
  return loadSettings(path.join(folder, 'settings.yaml'), given.env ?? {}, given.options);
}

export async function problemsOf(text: string, given: Given = {}): Promise<readonly Problem[]> {
  const result = await load(text, given);
  return result.ok ? result.warnings : result.problems;
}

/** `LINE:COLUMN severity path: message`, with the name of the file before it where it is not the settings file. */
export async function linesOf(text: string, given: Given = {}): Promise<string[]> {
  return (await problemsOf(text, given)).map((p) => {
    const name = path.basename(p.file);
    return `${name === 'settings.yaml' ? '' : `${name}:`}${p.line}:${p.column} ${p.severity} ${p.path}: ${p.message}`;
  });
}

export async function settingsOf(text: string, given: Given = {}): Promise<Settings> {
  const result = await load(text, given);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, undefined, 2));
  return result.settings;
}

/** Good settings of 14 lines, to put one thing wrong in. What is added stands from line 15 on. */
export const GOOD = `profiles:
  - name: json
    topics: ['d/{device}/t']
    device: '{device}'
exchanges:
  - name: out
queues:
  - name: kept
    bindings:
      - { exchange: out, routingKey: '#' }
routes:
  - name: all
    exchange: out
    routingKey: '{profile}'
`;
