import { execFileSync } from 'node:child_process';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { DockerfileParser, type From, type Instruction, type ModifiableInstruction, type PropertyInstruction } from 'dockerfile-ast';

const ROOT = join(import.meta.dirname, '..', '..');
export const DOCKERFILE = readFileSync(join(ROOT, 'docker', 'Dockerfile'), 'utf8');
const IGNORE = readFileSync(join(ROOT, 'docker', 'Dockerfile.dockerignore'), 'utf8');

export interface Stage {
  readonly name: string | undefined;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of docker/Dockerfile; the last is the image. */
export function stages(): Stage[] {
  const all: { name: string | undefined; image: string; instructions: Instruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(DOCKERFILE).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const from = instruction as From;
      all.push({ name: from.getBuildStage() ?? undefined, image: from.getImage() ?? '', instructions: [] });
    } else all.at(-1)?.instructions.push(instruction);
  }
  return all;
}

/** What stands behind the keyword, in one line. */
export function words(instruction: Instruction): string {
  return (instruction.getRawArgumentsContent() ?? '').replaceAll(/\\\n\s*/g, '');
}

/** Names and values of ENV or LABEL, with what ARG has as default. */
export function properties(stage: Stage, keyword: 'ENV' | 'LABEL'): Record<string, string> {
  const some = stage.instructions.filter((one) => one.getKeyword() === keyword) as PropertyInstruction[];
  return Object.fromEntries(some.flatMap((one) => one.getProperties().map((each) => [each.getName(), each.getValue() ?? ''])));
}

/** The list in exec form of the last instruction with this keyword. */
export function execForm(stage: Stage, keyword: 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK'): string[] {
  const text = words(stage.instructions.findLast((one) => one.getKeyword() === keyword) as Instruction);
  return JSON.parse(text.slice(text.indexOf('['))) as string[];
}

/** Of what .dockerignore knows only `*` within a part and a leading `**` are used here. */
function fits(path: string, pattern: string): boolean {
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/^\*\*\//, '(?:.+/)?')
    .replaceAll(/(?<!\?)\*/g, '[^/]*');
  return new RegExp(`^${source}$`).test(path);
}

/** Whether a path of the project, with `/` between its parts, is sent to the engine: the last pattern that fits decides. */
export function inContext(path: string): boolean {
  const patterns = IGNORE.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const ways = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  let sent = true;
  for (const pattern of patterns) {
    const keeps = pattern.startsWith('!');
    if (ways.some((way) => fits(way, keeps ? pattern.slice(1) : pattern))) sent = keeps;
  }
  return sent;
}

/** Where a path of a stage is on this machine. */
const at = (folder: string, workdir: string, path: string): string => join(folder, path.startsWith('/') ? path : join(workdir, path));

function copy(from: string, to: string, keep: (path: string) => boolean): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, filter: keep });
}

/** Packages that `npm ci --omit=dev` brings, from those that are here; no registry is asked. */
function production(to: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean; optional?: boolean }> };
  for (const [path, { dev = false }] of Object.entries(packages)) {
    // Nested ones come with the package that holds them.
    if (dev || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)) continue;
    if (statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined) copy(join(ROOT, path), join(to, path), () => true);
  }
}

function runIn(cwd: string, command: string): void {
  // Of the base image: here these are the machine's own.
  if (/\s\/(?!dev\/null)/.test(command)) return;
  const npmCi = /^npm ci (.*)$/.exec(command);
  if (npmCi === null) execFileSync('sh', ['-ec', command], { cwd, stdio: 'pipe', timeout: 300_000 });
  else if (npmCi[1]?.split(' ').includes('--omit=dev') === true) production(cwd);
  else symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
}

/**
 * Does in folders below `dir` what the engine does with docker/Dockerfile, but for base images: COPY of what .dockerignore lets
 * through, RUN with `npm ci` from the packages that are here. Answers the folder that stands for `/` of the image.
 */
export function layOut(dir: string): string {
  const folders = new Map<string, string>();
  let folder = '';
  for (const [index, stage] of stages().entries()) {
    folder = join(dir, String(index));
    mkdirSync(folder, { recursive: true });
    if (stage.name !== undefined) folders.set(stage.name, folder);
    let workdir = '/';
    for (const instruction of stage.instructions) {
      const keyword = instruction.getKeyword();
      if (keyword === 'WORKDIR') mkdirSync(at(folder, '/', (workdir = words(instruction))), { recursive: true });
      else if (keyword === 'RUN') runIn(at(folder, workdir, '.'), words(instruction));
      else if (keyword === 'COPY') {
        const flags = (instruction as ModifiableInstruction).getFlags();
        const from = flags.find((flag) => flag.getName() === 'from')?.getValue() ?? undefined;
        const paths = instruction.getArguments().map((one) => one.getValue());
        const to = at(folder, workdir, paths.at(-1) ?? '');
        const many = paths.at(-1)?.endsWith('/') === true;
        for (const path of paths.slice(0, -1)) {
          const source = from === undefined ? join(ROOT, path) : at(folders.get(from) ?? `no stage ${from}`, '/', path);
          const keep = from === undefined ? (each: string): boolean => inContext(relative(ROOT, each).replaceAll('\\', '/')) : (): boolean => true;
          copy(source, many ? join(to, path) : to, keep);
        }
      }
    }
  }
  return folder;
}

/** Every file and folder below, with its size and time of change: what a program changed shows. */
export function inventory(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs, mode } = lstatSync(join(folder, name));
      return `${name} ${size} ${mtimeMs} ${mode}`;
    });
}
