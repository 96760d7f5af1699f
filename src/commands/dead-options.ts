import { parseArgs } from 'node:util';
import type { LetterFilter } from '../domain/letter.ts';
import { compileLetterFilter, LetterFilterError, parseInstant } from '../pipeline/letter-filter.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { CommandError, EXIT } from './command.ts';

export const DEAD_HELP = `sluice dead: look after dead letters

Usage: sluice dead list    [filters] [--limit N] [--json]         what is there; takes nothing away
       sluice dead show    ID [--full] [--json]                   one letter, with its payload
       sluice dead export  [ID ...] [filters]                     JSON lines that sluice decode --messages reads
       sluice dead replay  [ID ...] [filters] [--rate N]          back to the gateway; each leaves when that is confirmed
       sluice dead drop    [ID ...] [filters] [--yes]             for good

  -c, --config FILE   broker and names of these settings, and for --dry-run profiles and routes
  --url URL           broker; better in the environment as SLUICE_AMQP_URL, where nobody sees its password
  --queue NAME        the dead letters (default: of the settings, else sluice.dead)
  --to QUEUE          replay into this queue (default: source.queue of the settings, else sluice.ingest)

Filters: all that are given must hold. Those marked * may be given more than once, or with commas between.
  --code CODE *       fault code (docs/faults.md), or BROKER_DELIVERY_LIMIT and the like where the broker gave up
  --stage STAGE *     receive, decode, normalise, route or publish
  --route NAME *      the route that failed
  --device NAME       device of the reading; for letters of a whole message, a topic with that name in it
  --topic FILTER      MQTT topic filter: devices/+/telemetry, plant/#
  --since, --until T  when it was buried: ISO 8601 with its zone, or 45s, 30m, 2h, 3d, 1w ago
  --where EXPR        CEL over id, code, stage, topic, device, route, message, attempts, replays, ageSeconds, size

  --limit N           most letters (list shows 50 unless told)
  --dry-run           with list or replay: say what would become of each under the settings of -c; sends nothing
  --rate N            replay at most N letters a second
  --max-replays N     leave alone what was replayed N times already (default 3); --force replays it all the same
  --whole             replay all of the message to every route, also where one reading or one route had failed
  --full              show the payload to its end
  --json              JSON instead of text: list one object a line, others one object
  --yes               drop without asking; needed where there is no terminal

Exit codes: 0 done, 1 no such letter, 2 wrong command line, 3 wrong settings, 4 broker, queue or right is not to be had,
5 stopped before the end; what was not done is still in the queue.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  url: { type: 'string' },
  queue: { type: 'string' },
  to: { type: 'string' },
  code: { type: 'string', multiple: true },
  stage: { type: 'string', multiple: true },
  route: { type: 'string', multiple: true },
  device: { type: 'string' },
  topic: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  where: { type: 'string' },
  limit: { type: 'string' },
  'dry-run': { type: 'boolean' },
  rate: { type: 'string' },
  'max-replays': { type: 'string' },
  force: { type: 'boolean' },
  whole: { type: 'boolean' },
  full: { type: 'boolean' },
  json: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const;

const VERBS = ['list', 'show', 'export', 'replay', 'drop'] as const;
export type DeadVerb = (typeof VERBS)[number];

/** Options that mean something for one verb only. */
const ONLY_FOR: Readonly<Record<string, readonly DeadVerb[]>> = {
  'dry-run': ['list', 'replay'],
  rate: ['replay'],
  to: ['replay'],
  'max-replays': ['list', 'replay'],
  force: ['list', 'replay'],
  whole: ['list', 'replay'],
  full: ['show'],
  yes: ['drop'],
};

export interface DeadOptions {
  readonly verb: DeadVerb;
  readonly config: string | undefined;
  readonly url: string | undefined;
  readonly queue: string | undefined;
  readonly to: string | undefined;
  readonly filter: LetterFilter;
  readonly limit: number | undefined;
  readonly dryRun: boolean;
  readonly rate: number | undefined;
  readonly maxReplays: number;
  readonly whole: boolean;
  readonly full: boolean;
  readonly json: boolean;
  readonly yes: boolean;
}

/** Throws a CommandError that says what is wrong with the command line. */
export function parseDead(argv: readonly string[], now: number): DeadOptions {
  const { values, positionals } = parsed(argv);
  const [name, ...ids] = positionals;
  const verb = VERBS.find((each) => each === name);
  if (verb === undefined)
    throw usage(name === undefined ? 'list, show, export, replay or drop?' : `there is no ${JSON.stringify(name)}; there are ${VERBS.join(', ')}`);
  for (const [option, verbs] of Object.entries(ONLY_FOR)) {
    if (option in values && !verbs.includes(verb)) throw usage(`--${option} is for ${verbs.join(' and ')}`);
  }
  if (verb === 'show' && ids.length !== 1) throw usage('show takes one ID; sluice dead list has them in its last column');
  if (verb === 'list' && ids.length > 0) throw usage('list takes filters; for one letter: sluice dead show ID');
  if (values['dry-run'] === true && values.config === undefined) throw usage('--dry-run needs profiles and routes: give -c FILE');
  const filter: LetterFilter = {
    ids: ids.length === 0 ? undefined : ids,
    codes: many(values.code),
    stages: many(values.stage),
    routes: many(values.route),
    device: values.device,
    topic: values.topic,
    since: instant('--since', values.since, now),
    until: instant('--until', values.until, now),
    where: values.where,
  };
  try {
    compileLetterFilter(filter, now);
  } catch (error) {
    if (error instanceof LetterFilterError) throw usage(`--${error.message}`);
    throw error;
  }
  return {
    verb,
    config: values.config,
    url: values.url,
    queue: values.queue,
    to: values.to,
    filter,
    limit: count('--limit', values.limit, 1),
    dryRun: values['dry-run'] ?? false,
    rate: rateOf(values.rate),
    maxReplays: values.force === true ? Number.POSITIVE_INFINITY : (count('--max-replays', values['max-replays'], 0) ?? 3),
    whole: values.whole ?? false,
    full: values.full ?? false,
    json: values.json ?? false,
    yes: values.yes ?? false,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage(`${messageOf(error)}; see sluice dead --help`);
  }
}

function many(texts: readonly string[] | undefined): string[] | undefined {
  return texts?.flatMap((text) => text.split(',')).map((text) => text.trim());
}

function instant(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const at = parseInstant(text, now);
  if (at === undefined) throw usage(`${option}: ${JSON.stringify(text)} is neither an ISO 8601 time with its zone nor an age such as 2h or 3d`);
  return at;
}

function count(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) throw usage(`${option} is a whole number from ${least}, not ${JSON.stringify(text)}`);
  return Number(text);
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text) || Number(text) === 0) throw usage(`--rate is letters per second, above 0, not ${JSON.stringify(text)}`);
  return Number(text);
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, `dead: ${message}`);
}
