import type { FastifyPluginAsync } from 'fastify';
import { toJson } from './json.ts';
import { type LiveSampler, STEP_MS } from './live-sampler.ts';
import { queryOf } from './request.ts';
import type { EventStream, EventStreams } from './sse.ts';

/** `/api/live`, one event a second, and `/api/history`. The sampler turns while the server listens. */
export function live(sampler: LiveSampler, streams: EventStreams): FastifyPluginAsync {
  return async (app) => {
    const watchers = new Set<EventStream>();
    let timer: NodeJS.Timeout | undefined;
    app.addHook('onListen', async () => {
      sampler.sample();
      timer = setInterval(() => {
        sampler.sample();
        if (watchers.size === 0) return;
        const event = toJson(sampler.event());
        for (const watcher of watchers) watcher.send('live', event);
      }, STEP_MS).unref();
    });
    app.addHook('onClose', async () => clearInterval(timer));

    app.get('/api/live', (request, reply) => {
      queryOf(request.query, []);
      const ends: (() => void)[] = [];
      const stream = streams.start(request, reply, () => {
        for (const end of ends) end();
      });
      if (stream === undefined) return reply;
      watchers.add(stream);
      ends.push(() => watchers.delete(stream));
      // Not only after a second: a page should not begin empty.
      stream.send('live', toJson(sampler.event()));
      return reply;
    });

    app.get('/api/history', () => ({ stepMs: STEP_MS, points: sampler.points }));
  };
}
