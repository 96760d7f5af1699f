import path from 'node:path';
import { parseArgs } from 'node:util';
import { SpoolBrowser } from '../edge/spool/browse.ts';
import type { SpooledMessage } from '../edge/ports.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { standardOutput } from './output.ts';
import { settingsOrExplain } from './settings.ts';

const HELP = `sluice spool: what an edge keeps on disk

Usage: sluice spool stat   [-c FILE | --dir DIR] [--refused] [--json]
       sluice spool export [-c FILE | --dir DIR] [--refused] > messages.jsonl

  -c, --config FILE   settings of the edge: they say where its spool is
  --dir DIR           folder of the edge (edge.spool.dir); default .sluice/edge
  --refused           what RabbitMQ can never take, instead of what waits for it
  --json              stat as one JSON object

stat says how much waits, since when, and how much of the disk it takes. export writes one JSON object a line, the oldest first: seq, topic,
qos, retain, clientId, receivedAt, and the payload as text (payload) or in base64 (payload_b64). Both only read, also while an edge is
at work there; what it forwards meanwhile may still be among them. To forward them, start the edge.

Exit codes: 0 done, 1 something could not be read (what could is printed), 2 wrong command line, 3 wrong settings, 4 there is no spool.
`;

interface Options {
  readonly verb: 'stat' | 'export';
  readonly config: string | undefined;
  readonly dir: string;
  readonly refused: boolean;
  readonly json: boolean;
}

async function run(argv: readonly string[]): Promise<number> {
  const { verb, config, dir, refused, json } = parse(argv);
  const root = config === undefined ? dir : (await settingsOrExplain(config, process.env)).settings.edge.spool.dir;
  const folder = path.join(root, refused ? 'refused' : 'spool');
  const browser = new SpoolBrowser(folder);
  try {
    return verb === 'stat' ? stat(browser, folder, json) : await exported(browser);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(EXIT.unavailable, `there is no spool in ${folder}: nothing was ever kept there, or the edge has another folder (edge.spool.dir)`);
  }
}

function stat(browser: SpoolBrowser, folder: string, json: boolean): number {
  const { messages, bytes, segments, oldestAt, frontier, strange } = browser.glance();
  const oldest = oldestAt === undefined ? null : new Date(oldestAt).toISOString();
  if (json) process.stdout.write(`${JSON.stringify({ folder, messages, bytes, segments, oldest, frontier, strange })}\n`);
  else {
    const lines = [
      `folder    ${folder}`,
      `messages  ${messages === 0 ? 'none' : `at most ${messages}`}`,
      `since     ${oldest ?? '-'}`,
      `on disk   ${bytes} bytes in ${segments} ${segments === 1 ? 'file' : 'files'}`,
    ];
    if (strange > 0) lines.push(`damaged   ${strange} ${strange === 1 ? 'file' : 'files'} that cannot be read`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return strange === 0 ? EXIT.ok : EXIT.failed;
}

async function exported(browser: SpoolBrowser): Promise<number> {
  // Listed first: a folder that is not there is told before anything is printed.
  browser.glance();
  const write = standardOutput();
  for await (const message of browser.messages()) if (!(await write(`${JSON.stringify(line(message))}\n`))) return EXIT.ok;
  const { regions, bytes } = browser.damage;
  if (regions === 0) return EXIT.ok;
  process.stderr.write(`sluice: ${regions} ${regions === 1 ? 'place' : 'places'} (${bytes} bytes) could not be read\n`);
  return EXIT.failed;
}

function line({ seq, message }: SpooledMessage): Record<string, unknown> {
  const { topic, qos, retain, clientId, receivedAt, payload } = message;
  const text = payload.toString('utf8');
  const body = Buffer.from(text).equals(payload) ? { payload: text } : { payload_b64: payload.toString('base64') };
  return { seq, topic, qos, retain, clientId, receivedAt: new Date(receivedAt).toISOString(), ...body };
}

function parse(argv: readonly string[]): Options {
  const [verb, ...rest] = argv;
  if (verb !== 'stat' && verb !== 'export') throw usage(verb === undefined ? 'stat or export?' : `there is no ${JSON.stringify(verb)}; stat or export?`);
  let values: { config?: string; dir?: string; refused?: boolean; json?: boolean };
  try {
    const options = { config: { type: 'string', short: 'c' }, dir: { type: 'string' }, refused: { type: 'boolean' }, json: { type: 'boolean' } } as const;
    ({ values } = parseArgs({ args: rest, options }));
  } catch (error) {
    throw usage(messageOf(error));
  }
  const { config, dir, refused = false, json = false } = values;
  if (config !== undefined && dir !== undefined) throw usage('-c and --dir say the same thing: give one of them');
  return { verb, config, dir: dir ?? path.join('.sluice', 'edge'), refused, json };
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, `spool: ${message}; see sluice spool --help`);
}

export const command: Command = { name: 'spool', summary: 'look at what an edge keeps on disk', help: HELP, run };
