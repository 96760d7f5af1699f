import path from 'node:path';
import { parseArgs } from 'node:util';
import { quote } from '../codec/quote.ts';
import { encodeReading } from '../codec/reading.ts';
import { defaultCodecs } from '../codec/registry.ts';
import { isoInstant } from '../domain/instant.ts';
import { DEFAULT_LIMITS } from '../domain/profile.ts';
import { Router } from '../pipeline/router.ts';
import { messageOf } from '../rabbit/reasons.ts';
import type { Settings } from '../settings/load.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { explain, explanationJson, explanationText } from '../pipeline/explain.ts';
import { type Coding, type ListedMessage, linesOf, listed, readAll, uncoded } from './decode-input.ts';
import { Decoder, type DecodeInput, type DecodeOutcome } from '../pipeline/trial-decoder.ts';
import { standardOutput } from './output.ts';
import { allProfiles, settingsOrExplain } from './settings.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  topic: { type: 'string' },
  profile: { type: 'string' },
  messages: { type: 'string' },
  hex: { type: 'boolean' },
  base64: { type: 'boolean' },
  explain: { type: 'boolean' },
  received: { type: 'string' },
  payload: { type: 'string' },
} as const;

const HELP = `sluice decode: show what becomes of a payload

Usage: sluice decode --topic TOPIC [--profile NAME] [--hex | --base64] [options] < PAYLOAD
       sluice decode --profile NAME [options] < PAYLOAD
       sluice decode --messages FILE [options]

Runs the decoder of the gateway; connects to nothing. Without -c it knows every profile that Sluice ships, and the
first that has a template for the topic reads the payload, as in a gateway that uses them all.

  --topic TOPIC       MQTT topic of the message; it is taken through the broker's routing key, as on its way to the gateway
  --profile NAME      try this profile alone; without a topic one is made up for it
  --hex, --base64     the payload on standard input is written so
  --messages FILE     a list, one JSON object a line: "topic", and one of "payload", "payload_b64" and "payload_file"
                      (beside the list); "profile" and "content_encoding" may stand there too. - is standard input
  --explain           say which template matched, what was taken from where, and with -c which rule routes it:
                      as text on standard error, or with --messages in "explain" of each result
  --payload LAYOUT    how the bytes of LoRaWAN devices are laid out, for all profiles: elsys (docs/payloads.md lists them)
  --received TIME     pretend that it arrived then: ISO 8601 with its zone, or milliseconds since 1970
  -c, --config FILE   profiles, limits and routes of these settings instead

Prints one JSON object a line: {"line","topic","outcome","profile","code","message","readings"}. "outcome" is
readings, filtered ("code" says why), dead-lettered ("code" is the fault), or error where a line of the list is not
a message ("message" says why).

Exit codes: 0 done, whatever the outcomes; 1 the input cannot be read or a line of the list is not a message;
2 wrong command line; 3 wrong settings.
`;

/** What a run needs from outside; tests give their own. */
export interface DecodeStreams {
  readonly stdin: AsyncIterable<unknown>;
  /** Resolves when the text is gone; answers false when nobody reads any more. */
  out(text: string): Promise<boolean>;
  err(text: string): void;
}

interface Run {
  readonly options: ReturnType<typeof parse>;
  readonly decoder: Decoder;
  readonly router: Router | undefined;
  readonly streams: DecodeStreams;
}

export async function decode(argv: readonly string[], env: NodeJS.ProcessEnv, streams: DecodeStreams): Promise<number> {
  const options = parse(argv);
  const settings = await settingsFor(options, env);
  const decoder = new Decoder(settings.profiles, defaultCodecs(), options.config === undefined ? DEFAULT_LIMITS : settings.limits);
  const router = options.config === undefined ? undefined : new Router(settings.routes, (route, message) => streams.err(`route "${route}": ${message}\n`));
  if (options.profile !== undefined) known(decoder, options.profile);
  const run = { options, decoder, router, streams };
  return options.messages === undefined ? await single(run) : await list(run, options.messages);
}

function parse(argv: readonly string[]) {
  let values: { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string };
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS }));
  } catch (error) {
    throw usage(`${messageOf(error)}; see sluice decode --help`);
  }
  const { topic, profile, messages, hex = false, base64 = false, received } = values;
  if (messages !== undefined && (topic !== undefined || hex || base64)) throw usage('--messages brings its own topics and payloads');
  if (messages === undefined && topic === undefined && profile === undefined) throw usage('give --topic, --profile or --messages; see sluice decode --help');
  if (hex && base64) throw usage('give either --hex or --base64');
  const coding: Coding = hex ? 'hex' : base64 ? 'base64' : 'raw';
  const receivedAt = received === undefined ? undefined : timeOf(received);
  return { topic, profile, messages, coding, receivedAt, explain: values.explain ?? false, config: values.config, payload: values.payload };
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, `decode: ${message}`);
}

function timeOf(text: string): number {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : isoInstant(text);
  if (at === undefined || !(at >= 0)) throw usage(`--received: "${text}" is neither an ISO 8601 time with its zone nor milliseconds`);
  return at;
}

async function settingsFor({ config, payload }: Run['options'], env: NodeJS.ProcessEnv): Promise<Settings> {
  return (await settingsOrExplain(config ?? allProfiles(), env, { codecs: defaultCodecs().names, payload })).settings;
}

function known(decoder: Decoder, profile: string): void {
  if (!decoder.profileNames.includes(profile)) {
    throw usage(`there is no profile ${JSON.stringify(profile)}; there are ${decoder.profileNames.join(', ')}`);
  }
}

async function single(run: Run): Promise<number> {
  const { options, streams } = run;
  const text = await readAll(streams.stdin);
  const body = uncoded(text, options.coding);
  if (body === undefined) throw new CommandError(EXIT.failed, `decode: standard input is not ${options.coding}`);
  const outcome = run.decoder.decode({ topic: options.topic, profile: options.profile, contentEncoding: undefined, body, receivedAt: arrival(run) });
  if (options.explain) streams.err(explanationText(explain(outcome, routing(run))));
  await streams.out(resultLine(1, outcome, run));
  return EXIT.ok;
}

async function list(run: Run, file: string): Promise<number> {
  const { streams, decoder } = run;
  const folder = file === '-' ? '.' : path.dirname(file);
  let wrong = 0;
  for await (const { line, text } of linesOf(file, streams.stdin)) {
    const found = text === undefined ? { ok: false as const, problem: 'the line is too long' } : await listed(text, folder);
    const input = found.ok ? inputOf(found.value, run) : found.problem;
    let result: string;
    if (typeof input === 'string') {
      wrong += 1;
      result = `{"line":${line},"outcome":"error","message":${quote(input)}}\n`;
    } else {
      result = resultLine(line, decoder.decode(input), run);
    }
    if (!(await streams.out(result))) return EXIT.ok;
  }
  if (wrong > 0) streams.err(`sluice decode: ${wrong} ${wrong === 1 ? 'line is' : 'lines are'} not a message; look for "outcome":"error"\n`);
  return wrong > 0 ? EXIT.failed : EXIT.ok;
}

function inputOf(message: ListedMessage, run: Run): DecodeInput | string {
  const profile = message.profile ?? run.options.profile;
  if (profile !== undefined && !run.decoder.profileNames.includes(profile)) return `there is no profile ${JSON.stringify(profile)}`;
  if (message.topic === undefined && profile === undefined) return 'the message has no topic: name a profile for it';
  return { ...message, profile, receivedAt: arrival(run) };
}

function arrival(run: Run): number {
  return run.options.receivedAt ?? Date.now();
}

function routing({ router }: Run): ((reading: Parameters<Router['route']>[0]) => ReturnType<Router['route']>) | undefined {
  return router === undefined ? undefined : (reading) => router.route(reading);
}

function resultLine(line: number, outcome: DecodeOutcome, run: Run): string {
  const { topic, match, code, message, readings } = outcome;
  let text = `{"line":${line}`;
  if (topic !== undefined) text += `,"topic":${quote(topic)}`;
  text += `,"outcome":"${outcome.outcome}"`;
  if (match !== undefined) text += `,"profile":${quote(match.profile.name)}`;
  if (code !== undefined) text += `,"code":${quote(code)}`;
  if (message !== undefined) text += `,"message":${quote(message)}`;
  text += `,"readings":[${readings.map(encodeReading).join(',')}]`;
  if (run.options.explain && run.options.messages !== undefined) text += `,"explain":${explanationJson(explain(outcome, routing(run)))}`;
  return `${text}}\n`;
}

function processStreams(): DecodeStreams {
  return {
    stdin: process.stdin,
    out: standardOutput(),
    err: (text) => void process.stderr.write(text),
  };
}

export const command: Command = {
  name: 'decode',
  summary: 'show what becomes of a payload',
  help: HELP,
  run: async (argv) => decode(argv, process.env, processStreams()),
};
