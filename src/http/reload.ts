import type { FastifyPluginAsync } from 'fastify';
import { flagIn, mustShow, RequestProblem } from './dead-letter-request.ts';
import { PROBLEM_JSON, problem } from './json.ts';
import type { ReloadReport } from './ports.ts';

export interface ReloadOptions {
  readonly reload: (dryRun: boolean) => Promise<ReloadReport>;
  readonly token: string | undefined;
}

/** `POST /config/reload`: reads the settings again. With `{"dryRun": true}` it only says what would change. */
export function reload({ reload, token }: ReloadOptions): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof RequestProblem)) throw error;
      if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="sluice"');
      return reply
        .code(error.status)
        .header('content-type', PROBLEM_JSON)
        .send(problem(error.status, error.title, error.message));
    });

    app.post('/config/reload', async (request, reply) => {
      mustShow(token, request.headers.authorization);
      const body = request.body ?? {};
      if (typeof body !== 'object' || Array.isArray(body)) throw new RequestProblem(400, 'Bad Request', 'the body must be a JSON object');
      const unknown = Object.keys(body).filter((key) => key !== 'dryRun');
      if (unknown.length > 0) throw new RequestProblem(400, 'Bad Request', `unknown: ${unknown.join(', ').slice(0, 200)}; there is dryRun`);
      const report = await reload(flagIn(body as Readonly<Record<string, unknown>>, 'dryRun'));
      if (report.outcome !== 'refused') return report;
      const detail = 'The settings are not taken over; those before stay in force. `problems` says why.';
      return reply
        .code(422)
        .header('content-type', PROBLEM_JSON)
        .send(problem(422, 'Unprocessable Content', detail, report));
    });
  };
}
