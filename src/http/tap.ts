import type { FastifyPluginAsync } from 'fastify';
import { FAULTS, type FaultCode } from '../domain/fault.ts';
import { topicFilterProblem } from '../domain/topic-template.ts';
import { TAP_OUTCOMES, type TapFilter, type TapHub } from '../pipeline/tap-hub.ts';
import { badRequest, choiceIn, type Input, numberIn, queryOf, textIn } from './request.ts';
import type { EventStreams } from './sse.ts';

const RATE = 20;
const MOST_RATE = 200;
/** Between two words about what was skipped. */
const SKIPPED_MS = 1000;

/** `/api/tap`: messages as they pass, each with what became of it. */
export function tap(hub: TapHub, streams: EventStreams): FastifyPluginAsync {
  return async (app) => {
    app.get('/api/tap', (request, reply) => {
      const input = queryOf(request.query, ['device', 'topic', 'route', 'outcome', 'code', 'rate']);
      const filter = filterOf(input);
      const rate = numberIn(input, 'rate', { least: 1, most: MOST_RATE }) ?? RATE;
      const ends: (() => void)[] = [];
      const stream = streams.start(request, reply, () => {
        for (const end of ends) end();
      });
      if (stream === undefined) return reply;
      const opened = hub.open({ filter, rate, send: (event) => stream.send('message', event) });
      let skipped = 0;
      const timer = setInterval(() => {
        skipped += opened.skipped();
        // Where the client is too slow for this, too, the count is for the next time.
        if (skipped > 0 && stream.send('skipped', `{"count":${skipped}}`)) skipped = 0;
      }, SKIPPED_MS).unref();
      ends.push(
        () => opened.close(),
        () => clearInterval(timer),
      );
      return reply;
    });
  };
}

function filterOf(input: Input): TapFilter {
  const topic = textIn(input, 'topic');
  const problem = topic === undefined ? undefined : topicFilterProblem(topic);
  if (problem !== undefined) throw badRequest(problem);
  const code = choiceIn(input, 'code', Object.keys(FAULTS) as FaultCode[]);
  return { device: textIn(input, 'device'), topic, route: textIn(input, 'route'), outcome: choiceIn(input, 'outcome', TAP_OUTCOMES), code };
}
