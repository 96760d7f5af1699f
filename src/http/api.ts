import type { FastifyError, FastifyPluginAsync } from 'fastify';
import { type Access, guardAccess } from './access.ts';
import { RequestProblem, refuse } from './request.ts';
import type { EventStreams } from './sse.ts';

export interface ApiOptions extends Access {
  readonly streams: EventStreams;
  readonly plugins: readonly FastifyPluginAsync[];
}

/** Everything below `/api`: one rule of access and one form of problems for all of it. */
export function api(options: ApiOptions): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', guardAccess(options));
    app.setErrorHandler<FastifyError>((error, _request, reply) => {
      // What is not known here is for the server's own handler.
      if (!(error instanceof RequestProblem)) throw error;
      return refuse(reply, error);
    });
    // Before the connections are cut, so that a client sees the end of its stream and not a broken one.
    app.addHook('preClose', async () => options.streams.close());
    for (const plugin of options.plugins) app.register(plugin);
  };
}
