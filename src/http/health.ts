import type { FastifyPluginAsync } from 'fastify';
import type { StatusProvider } from './ports.ts';
import { readiness } from './readiness.ts';

/** `/livez`: the process answers, so its event loop turns. `/readyz`: 200 when it forwards everything (with an edge: keeps everything), 503 with the reasons when not. */
export function health(provider: StatusProvider): FastifyPluginAsync {
  return async (app) => {
    app.get('/livez', () => ({ status: 'alive' }));
    app.get('/readyz', (_request, reply) => {
      const answer = readiness(provider);
      return reply.code(answer.ready ? 200 : 503).send(answer);
    });
  };
}
