import type { FastifyPluginAsync } from 'fastify';
import { PROBLEM_JSON, problem } from './json.ts';
import type { ReloadReport } from './ports.ts';
import { flagIn, inputOf } from './request.ts';

/** `/config/reload`: reads the settings again. With `{"dryRun": true}` it only says what would change. Needs the token, like all that changes something. */
export function reload(run: (dryRun: boolean) => Promise<ReloadReport>): FastifyPluginAsync {
  return async (app) => {
    app.post('/config/reload', async (request, reply) => {
      const report = await run(flagIn(inputOf(request.body ?? {}, ['dryRun']), 'dryRun'));
      if (report.ok) return report;
      const detail = 'The settings are not taken over; those before stay in force. `problems` says why.';
      return reply
        .code(422)
        .header('content-type', PROBLEM_JSON)
        .send(problem(422, 'Unprocessable Content', detail, report));
    });
  };
}
