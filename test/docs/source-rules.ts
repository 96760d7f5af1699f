/** One file as the rules see it: `path` relative to the project, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Rooms that a room may import, besides itself. A room that is not listed here is a violation by itself. */
const ADAPTERS = ['rabbit', 'edge', 'http', 'observe'] as const;
const BELOW_ADAPTERS = ['domain', 'codec', 'pipeline'] as const;
const BELOW_APP = [...BELOW_ADAPTERS, ...ADAPTERS, 'settings', 'state'] as const;

export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  codec: ['domain'],
  pipeline: ['domain', 'codec'],
  ...Object.fromEntries(ADAPTERS.map((adapter) => [adapter, BELOW_ADAPTERS])),
  // Keeps messages and sessions in folders of its own, one process at a time.
  edge: [...BELOW_ADAPTERS, 'state'],
  // And what says whether accounts of devices make sense.
  settings: ['domain', 'edge/access/problems'],
  // A private broker for commands and tests. Of rabbit only the plain data: what is declared, and as which users.
  local: ['domain', 'rabbit/topology', 'rabbit/definitions'],
  setup: [],
  // A single file: package.json's version.
  version: [],
  // What codecs with a memory keep.
  state: ['domain'],
  // Drives devices through broker and gateway as their user does: over MQTT, AMQP, HTTP and signals. Nothing of the
  // pipeline, so that it cannot share a mistake with what it judges.
  verify: ['settings', 'app/topology-options', 'rabbit/topology', 'local', 'devices'],
  // The composition root, src/app.ts, and its parts in src/app/.
  app: [...BELOW_APP, 'version'],
  // Commands may run the simulated devices beside the gateway; the devices know nothing of it.
  commands: [...BELOW_APP, 'version', 'app', 'local', 'verify', 'devices'],
  main: [...BELOW_APP, 'version', 'app', 'local', 'verify', 'commands'],
  devices: [],
  // A page in a browser: it knows the gateway by what it answers over HTTP.
  console: [],
};

/** Rooms that use Node's own modules only. */
const BUILT_INS_ONLY = ['local', 'setup', 'state'];
/** Rooms without any I/O: no I/O library, and of Node's modules only those that compute. */
const PURE = ['domain', 'codec', 'pipeline'];
const COMPUTING_BUILT_INS = ['zlib', 'crypto', 'buffer', 'util', 'string_decoder', 'assert', 'events'];
const IO_LIBRARIES = ['amqplib', 'mqtt', 'aedes', 'ws', 'fastify', 'prom-client', 'pino', 'lmdb', 'undici'];
/** Where time and chance are passed in. */
const TIMELESS = /^src\/(domain|codec)\/|^src\/pipeline\/batcher[^/]*$/;
const FORBIDDEN_THERE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\s*\(/, 'Date.now()'],
  [/\bnew Date\s*\(\s*\)/, 'new Date() of now'],
  [/\bperformance\.now\s*\(/, 'performance.now()'],
  [/\bprocess\.hrtime\b/, 'process.hrtime'],
  [/\b(?:setTimeout|setInterval|setImmediate)\s*\(/, 'a timer'],
  [/\bMath\.random\s*\(/, 'Math.random()'],
  [/\bawait\b/, 'await'],
];

const NOISE = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
const IMPORT = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(['"])([^'"\n]+)\1/g;

/** The text without comments, line structure kept; without the content of quoted strings too, if asked. */
export function withoutNoise(text: string, strings: boolean): string {
  return text.replace(NOISE, (match) => {
    if (!match.startsWith('/')) return strings ? match.charAt(0).repeat(2) : match;
    return match.replace(/[^\n]/g, ' ');
  });
}

/** What a file imports, exports from, requires or loads, as written. */
export function importsOf(text: string): string[] {
  return [...withoutNoise(text, false).matchAll(IMPORT)].map((match) => match[2] ?? '');
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** `src/domain/fault.ts` -> `domain`, `src/main.ts` -> `main`, `devices/x.ts` -> `devices`. */
export function roomOf(path: string): string {
  const [top = '', next = ''] = path.split('/');
  return top === 'src' ? next.replace(/\.[a-z]+$/, '') : top;
}

function checkLocal(file: SourceFile, room: string, specifier: string): string | undefined {
  const target = resolve(file.path, specifier);
  const targetRoom = roomOf(target);
  if (targetRoom === 'package.json') return undefined;
  if (targetRoom === room && MAY_IMPORT[targetRoom] !== undefined) return undefined;
  const inside = target.replace(/^src\//, '').replace(/\.[a-z]+$/, '');
  const allowed = (MAY_IMPORT[room] ?? []).some((name) => (name.includes('/') ? inside === name || inside.startsWith(`${name}/`) : name === targetRoom));
  return allowed ? undefined : `${file.path}: ${room} may not import ${targetRoom} (${specifier})`;
}

function checkPackage(file: SourceFile, room: string, specifier: string): string | undefined {
  const builtIn = specifier.startsWith('node:');
  const name = specifier.replace('node:', '');
  // The types of the plots; a browser finds no package by its name.
  if (room === 'console')
    return file.path === 'src/console/uplot.d.ts' && name === 'uplot' ? undefined : `${file.path}: console runs in a browser (${specifier})`;
  if (!builtIn && BUILT_INS_ONLY.includes(room)) return `${file.path}: ${room} may use Node's own modules only (${specifier})`;
  if (!PURE.includes(room)) return undefined;
  if (builtIn && !COMPUTING_BUILT_INS.includes(name)) return `${file.path}: ${room} does no I/O (${specifier})`;
  const io = IO_LIBRARIES.some((library) => name === library || name.startsWith(`${library}/`)) || name.startsWith('@fastify/');
  return io ? `${file.path}: ${room} does no I/O (${specifier})` : undefined;
}

/** Every import that goes in the wrong direction, one line each. */
export function importViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    if (MAY_IMPORT[room] === undefined) return [`${file.path}: the room ${room} has no rule; add it to test/docs/source-rules.ts`];
    return importsOf(file.text).flatMap((specifier) => {
      const found = specifier.startsWith('.') ? checkLocal(file, room, specifier) : checkPackage(file, room, specifier);
      return found === undefined ? [] : [found];
    });
  });
}

/** Where messages leave a queue: the gateway's window, dead letters on purpose, the consumer of `sluice consume`, the audit of `sluice verify`. */
const MAY_ACK = ['src/rabbit/intake.ts', 'src/rabbit/letter-walk.ts', 'src/commands/consumer.ts', 'src/verify/outlet-reader.ts'];
const ACK = /\.ack\s*\(|\.ackAll\s*\(/;
const NACK = /\.nack\s*\(|\.nackAll\s*\(|\bchannel\.(?:reject|recover)\s*\(/;

/** Every ack outside its places, and every nack. */
export function ackViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    withoutNoise(text, true)
      .split('\n')
      .flatMap((line, index) => {
        if (NACK.test(line)) return [`${path}:${index + 1}: a nack; what comes back by it has lost its place`];
        // The window is handed its ack, by the name of an option.
        return ACK.test(line) && !MAY_ACK.includes(path) && path !== 'src/rabbit/delivery-window.ts' ? [`${path}:${index + 1}: an ack`] : [];
      }),
  );
}

/** Every use of clock, timer, chance or waiting where those are passed in, with its line. */
export function timeViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => TIMELESS.test(path))
    .flatMap(({ path, text }) =>
      withoutNoise(text, true)
        .split('\n')
        .flatMap((line, index) => FORBIDDEN_THERE.filter(([pattern]) => pattern.test(line)).map(([, what]) => `${path}:${index + 1}: ${what}`)),
    );
}

const MARKUP =
  /\b(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment|setHTMLUnsafe|DOMParser)\b|\bdocument\.write|\beval\s*\(|\bnew Function\b/;

/** Every way for a text to become markup or a script in the console: what devices say goes into text nodes only. */
export function markupViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.startsWith('src/console/'))
    .flatMap(({ path, text }) =>
      withoutNoise(text, false)
        .split('\n')
        .flatMap((line, index) => (MARKUP.test(line) ? [`${path}:${index + 1}: text becomes markup`] : [])),
    );
}

/** Files with more lines than `most`, longest first. */
export function longFiles(files: readonly SourceFile[], most: number): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }))
    .filter(({ lines }) => lines > most)
    .sort((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path}: ${lines} lines, ${most} allowed`);
}
