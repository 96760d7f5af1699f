import type { FastifyPluginAsync } from 'fastify';
import type { MetricsProvider } from './ports.ts';

/** `/metrics`, for Prometheus. */
export function metrics(provider: MetricsProvider): FastifyPluginAsync {
  return async (app) => {
    app.get('/metrics', async (_request, reply) => {
      const text = await provider.render();
      return reply.header('content-type', provider.contentType).send(text);
    });
  };
}
