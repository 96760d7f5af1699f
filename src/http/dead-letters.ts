import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type Letter, type LetterFilter, type LetterWalk, type ReplayRules } from '../domain/letter.ts';
import { letterJson } from '../domain/letter-json.ts';
import { type LetterDesk, LetterDeskError, type LetterDeskTrouble } from '../pipeline/letter-desk.ts';
import { LetterFilterError } from '../pipeline/letter-filter.ts';
import { type LetterPlanner, PlanSummary } from '../pipeline/letter-plan.ts';
import { filterIn } from './dead-letter-request.ts';
import { badRequest, flagIn, numberIn, RequestProblem } from './request.ts';

const LISTED = 100;
const MOST_LISTED = 1000;
const CHANGED = 1000;
const MOST = 10_000_000;
const MAX_REPLAYS = 3;
/** Larger payloads are for `sluice dead show` and `export`. */
const MOST_PAYLOAD = 1_048_576;
const CHANGES = ['dryRun', 'limit', 'all'] as const;

export interface DeadLettersOptions {
  readonly desk: LetterDesk;
  readonly planner: LetterPlanner;
  readonly now: () => number;
  /** One line for each change. */
  readonly log: (message: string, fields: object) => void;
}

/** `/api/dead-letters`: look at, replay and drop dead letters. */
export function deadLetters(options: DeadLettersOptions): FastifyPluginAsync {
  const { desk, now } = options;
  return async (app) => {
    app.setErrorHandler<FastifyError>((error, request) => {
      const known = problemOf(error);
      if (known === undefined) throw error;
      options.log('dead letters: refused', { path: request.url.split('?', 1)[0], status: known.status, reason: known.message });
      throw known;
    });

    app.get('/api/dead-letters', async (request, reply) => {
      const { filter, input } = filterIn(request.query, ['limit', 'offset'], now());
      const limit = numberIn(input, 'limit', { least: 1, most: MOST_LISTED }) ?? LISTED;
      const offset = numberIn(input, 'offset', { least: 0, most: MOST }) ?? 0;
      const letters: object[] = [];
      let at = 0;
      const walk = await desk.walk(
        filter,
        (letter) => {
          if (at >= offset && letters.length < limit) letters.push(letterJson(letter));
          at += 1;
        },
        whileAsked(reply),
      );
      return { letters, offset, limit, ...walk };
    });

    app.get<{ Params: { id: string } }>('/api/dead-letters/:id', async (request, reply) => {
      let found: object | undefined;
      await desk.walk(
        { ids: [request.params.id] },
        (letter, body) => {
          found = { ...letterJson(letter), ...payloadOf(body) };
          return false;
        },
        whileAsked(reply),
      );
      if (found === undefined) throw new RequestProblem(404, 'Not Found', 'No dead letter has this id, or another reader holds it.');
      return found;
    });

    app.post('/api/dead-letters/replay', async (request, reply) => {
      const { filter, input, limit, dryRun } = change(request, ['rate', 'maxReplays', 'force', 'whole']);
      const maxReplays = flagIn(input, 'force') ? MOST : (numberIn(input, 'maxReplays', { least: 0, most: MOST }) ?? MAX_REPLAYS);
      const rules = { maxReplays, whole: flagIn(input, 'whole') };
      const rate = numberIn(input, 'rate', { least: 0.001, most: 1_000_000 });
      if (dryRun) return await plan(filter, rules, limit, reply);
      const changes = await desk.replay(filter, { ...rules, limit, rate, signal: whileAsked(reply) });
      options.log('dead letters: replayed', { filter, ...changes });
      return changes;
    });

    app.post('/api/dead-letters/drop', async (request, reply) => {
      const { filter, limit, dryRun } = change(request, []);
      if (dryRun) return await count(filter, limit, reply);
      const changes = await desk.drop(filter, { limit, signal: whileAsked(reply) });
      options.log('dead letters: dropped', { filter, ...changes });
      return changes;
    });
  };

  function change(request: FastifyRequest, others: readonly string[]) {
    const { filter, any, input } = filterIn(request.body ?? {}, [...CHANGES, ...others], now());
    // An empty body is an easy mistake, and nothing brings a dropped letter back.
    if (!any && !flagIn(input, 'all')) throw badRequest('Say which letters: at least one filter, or "all": true.');
    return { filter, input, dryRun: flagIn(input, 'dryRun'), limit: numberIn(input, 'limit', { least: 1, most: MOST }) ?? CHANGED };
  }

  async function plan(filter: LetterFilter, rules: ReplayRules, limit: number, reply: FastifyReply): Promise<LetterWalk & { readonly plan: PlanSummary }> {
    const summary = new PlanSummary();
    const visit = (letter: Letter, body: Buffer): boolean => {
      summary.add(options.planner.plan(letter, body, rules));
      return summary.letters < limit;
    };
    return { ...(await desk.walk(filter, visit, whileAsked(reply))), plan: summary };
  }

  async function count(filter: LetterFilter, limit: number, reply: FastifyReply): Promise<LetterWalk> {
    let seen = 0;
    return await desk.walk(filter, () => (seen += 1) < limit, whileAsked(reply));
  }
}

/** Aborts when the client goes away. */
function whileAsked(reply: FastifyReply): AbortSignal {
  const asked = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) asked.abort();
  });
  return asked.signal;
}

function payloadOf(body: Buffer): object {
  return { payload_b64: body.subarray(0, MOST_PAYLOAD).toString('base64'), payloadCut: body.length > MOST_PAYLOAD };
}

const STATUS: Readonly<Record<LetterDeskTrouble, readonly [number, string]>> = {
  busy: [409, 'Conflict'],
  refused: [503, 'Service Unavailable'],
  missing: [503, 'Service Unavailable'],
  unavailable: [503, 'Service Unavailable'],
};

function problemOf(error: unknown): RequestProblem | undefined {
  if (error instanceof RequestProblem) return error;
  if (error instanceof LetterFilterError) return badRequest(error.message);
  return error instanceof LetterDeskError ? new RequestProblem(...STATUS[error.trouble], error.message) : undefined;
}
