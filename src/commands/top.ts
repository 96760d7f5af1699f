import { parseArgs } from 'node:util';
import { type Command, CommandError, EXIT } from './command.ts';
import { DEFAULT_GATEWAY, GatewayClient } from './gateway-client.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { type DeviceSummary, type LiveEvent, topLine, topScreen } from './top-screen.ts';
import { countOption, paint, untilStopped, type WatchStreams, watchStreams } from './watch.ts';

const OPTIONS = { url: { type: 'string' }, token: { type: 'string' }, seconds: { type: 'string' }, json: { type: 'boolean' } } as const;
const MOST_SECONDS = 86_400;

const HELP = `sluice top: what a gateway does, second by second

Usage: sluice top [options]

Shows rates, delays, routes with their lanes, and devices of a running gateway, over its HTTP API. On a terminal the
picture is drawn anew each second; elsewhere each second is a line.

  --url URL          the gateway; ${DEFAULT_GATEWAY} unless given
  --token TOKEN      its http.token, where it does not listen on loopback; better by SLUICE_HTTP_TOKEN
  --seconds N        end after so long
  --json             one JSON object a second, with the event of /api/live and "devices" of /api/devices/summary

Exit codes: 0 ended by --seconds, a signal or the reader; 2 wrong command line; 4 no gateway there, or not with this token.
`;

/** Enters another screen without a cursor, and leaves it. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

export async function top(argv: readonly string[], env: NodeJS.ProcessEnv, streams: WatchStreams): Promise<number> {
  const { url, json, seconds, token } = parse(argv, env);
  const client = new GatewayClient('top', url, token);
  const screen = json ? undefined : streams.terminal;
  const to = paint(screen?.colours === true);
  let drawn = false;
  try {
    return await untilStopped(seconds, async (signal) => {
      for await (const { event, data } of client.events('/api/live', signal)) {
        if (event !== 'live') continue;
        const summary = await client.get('/api/devices/summary', signal);
        let text: string;
        if (json) text = `${data.slice(0, -1)},"devices":${summary}}\n`;
        else {
          const live = JSON.parse(data) as LiveEvent;
          const devices = JSON.parse(summary) as DeviceSummary;
          if (screen === undefined) text = `${topLine(live, devices)}\n`;
          else {
            const lines = topScreen(live, devices, `sluice top  ${url}`, screen, to);
            // From the corner; each line and what is below are cleared behind their text, so nothing flickers.
            text = `${drawn ? '' : ENTER}\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`;
            drawn = true;
          }
        }
        if (!(await streams.out(text))) return EXIT.ok;
      }
      return EXIT.ok;
    });
  } finally {
    if (drawn) await streams.out(LEAVE);
  }
}

function parse(argv: readonly string[], env: NodeJS.ProcessEnv): { url: string; json: boolean; seconds: number | undefined; token: string | undefined } {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    const seconds = countOption('top', 'seconds', values.seconds, MOST_SECONDS);
    return { url: values.url ?? DEFAULT_GATEWAY, json: values.json ?? false, seconds, token: values.token ?? env['SLUICE_HTTP_TOKEN'] };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(EXIT.usage, `top: ${messageOf(error)}; see sluice top --help`);
  }
}

export const command: Command = {
  name: 'top',
  summary: 'watch what a running gateway does',
  help: HELP,
  run: async (argv) => top(argv, process.env, watchStreams(process.env)),
};
