import { parseArgs } from 'node:util';
import { parse as parseExact } from 'lossless-json';
import { safeText } from '../domain/safe-text.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { DEFAULT_GATEWAY, GatewayClient } from './gateway-client.ts';
import { tapLines, type TapMessage } from './tap-print.ts';
import { countOption, paint, untilStopped, type WatchStreams, watchStreams } from './watch.ts';

const FILTERS = ['device', 'topic', 'route', 'outcome', 'code', 'rate'] as const;
const OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  device: { type: 'string' },
  topic: { type: 'string' },
  route: { type: 'string' },
  outcome: { type: 'string' },
  code: { type: 'string' },
  rate: { type: 'string' },
  explain: { type: 'boolean' },
  json: { type: 'boolean' },
  count: { type: 'string' },
  seconds: { type: 'string' },
} as const;
const MOST_COUNT = 100_000_000;
const MOST_SECONDS = 86_400;

const HELP = `sluice tap: watch messages pass a running gateway

Usage: sluice tap [options]

Prints each message, what became of it, and where its readings go. Takes nothing away and delays nothing: what is beyond
the rate is left out, and counted.

  --device NAME       messages with a reading of this device, or refused ones on a topic that it alone uses
  --topic FILTER      MQTT topic filter, such as devices/+/telemetry
  --route NAME        with a reading that this route takes, drops or fails at
  --outcome OUTCOME   readings, filtered or dead-lettered
  --code CODE         with this fault, such as DECODE_INVALID (docs/faults.md)
  --rate N            most messages a second, 1 to 200; 20 unless given
  --explain           say of each message how it was decoded and routed, as sluice decode --explain does
  --json              one JSON object a line, as in /api/tap; with --explain the explanation in "explain"
  --count N           end after so many messages
  --seconds N         end after so long
  --url URL           the gateway; ${DEFAULT_GATEWAY} unless given
  --token TOKEN       its http.token, where it does not listen on loopback; better by SLUICE_HTTP_TOKEN

Colours on a terminal only, and not with NO_COLOR. What is left out is told on standard error.

Exit codes: 0 ended by --count, --seconds, a signal or the reader; 2 wrong command line; 4 no gateway there, or not with
this token.
`;

interface TapRun {
  readonly client: GatewayClient;
  readonly query: string;
  readonly explain: boolean;
  readonly json: boolean;
  readonly count: number;
  readonly seconds: number | undefined;
}

export async function tap(argv: readonly string[], env: NodeJS.ProcessEnv, streams: WatchStreams, err: (text: string) => void): Promise<number> {
  const run = parse(argv, env);
  const to = paint(streams.terminal?.colours === true);
  return await untilStopped(run.seconds, async (signal) => {
    let left = run.count;
    for await (const { event, data } of run.client.events(`/api/tap${run.query}`, signal)) {
      if (event === 'skipped') {
        const { count } = JSON.parse(data) as { count: number };
        err(`sluice tap: ${count} more ${count === 1 ? 'message was' : 'messages were'} left out; a filter, or a higher --rate, shows others\n`);
      } else if (event === 'message') {
        const message = JSON.parse(data) as TapMessage;
        const explanation = run.explain ? await explain(run.client, message, signal) : undefined;
        const text = run.json ? jsonLine(data, explanation) : tapLines(exact(data), to) + (explanation === undefined ? '' : indented(explanation));
        left -= 1;
        if (!(await streams.out(text)) || left === 0) return EXIT.ok;
      }
    }
    return EXIT.ok;
  });
}

/** Numbers with all their digits: of a counter the last ones matter. */
function exact(data: string): TapMessage {
  return parseExact(data, undefined, (digits) =>
    /^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits),
  ) as TapMessage;
}

async function explain(client: GatewayClient, message: TapMessage, signal: AbortSignal): Promise<string> {
  const { payload, topic, contentType, contentEncoding } = message;
  if (payload.cut) return `the payload has ${message.bytes} bytes, of which a tap shows the first 4096: not explained\n`;
  const body = {
    topic,
    ...(payload.text === undefined ? { payload_b64: payload.base64 } : { payload: payload.text }),
    ...(contentType === null || contentType === '' ? {} : { contentType }),
    ...(contentEncoding === null || contentEncoding === '' ? {} : { contentEncoding }),
  };
  const { text } = JSON.parse(await client.post('/api/explain', body, signal)) as { text: string };
  return text;
}

function jsonLine(data: string, explanation: string | undefined): string {
  return explanation === undefined ? `${data}\n` : `${data.slice(0, -1)},"explain":${JSON.stringify(explanation)}}\n`;
}

function indented(text: string): string {
  const lines = text.trimEnd().split('\n');
  return `${lines.map((line) => `    ${safeText(line)}`).join('\n')}\n`;
}

function parse(argv: readonly string[], env: NodeJS.ProcessEnv): TapRun {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    const query = new URLSearchParams();
    for (const name of FILTERS) if (values[name] !== undefined) query.set(name, values[name]);
    return {
      client: new GatewayClient('tap', values.url ?? DEFAULT_GATEWAY, values.token ?? env['SLUICE_HTTP_TOKEN']),
      query: query.size === 0 ? '' : `?${query.toString()}`,
      explain: values.explain ?? false,
      json: values.json ?? false,
      count: countOption('tap', 'count', values.count, MOST_COUNT) ?? Number.POSITIVE_INFINITY,
      seconds: countOption('tap', 'seconds', values.seconds, MOST_SECONDS),
    };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(EXIT.usage, `tap: ${messageOf(error)}; see sluice tap --help`);
  }
}

export const command: Command = {
  name: 'tap',
  summary: 'watch messages pass a running gateway',
  help: HELP,
  run: async (argv) => tap(argv, process.env, watchStreams(process.env), (text) => void process.stderr.write(text)),
};
