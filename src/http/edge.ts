import type { FastifyPluginAsync } from 'fastify';
import type { EdgeState } from '../domain/edge-state.ts';

/** `/edge`: what the edge keeps, and whether it is connected. 503 while it is starting. */
export function edge(state: () => EdgeState | undefined): FastifyPluginAsync {
  return async (app) => {
    app.get('/edge', (_request, reply) => {
      const now = state();
      return now === undefined ? reply.code(503).send({ starting: true }) : now;
    });
  };
}
