import type { FastifyInstance, FastifyReply } from 'fastify';
import type { LetterView } from '../../src/console/api.ts';
import { HOSTILE } from './fake-devices.ts';

const BYTES = Buffer.from('{"values":{"temperature":21.5');

/** A dead-letter queue of an operator's night. */
export class FakeLetters {
  letters: LetterView[] = Array.from({ length: 137 }, (_, i) => letter(i));
  /** Bodies of changes, with the verb. */
  readonly changes: { readonly verb: string; readonly body: Record<string, unknown> }[] = [];

  register(app: FastifyInstance, problem: (reply: FastifyReply, status: number, detail: string) => Promise<FastifyReply>): void {
    app.get<{ Querystring: Record<string, string> }>('/api/dead-letters', (request) => {
      const [limit, offset] = [Number(request.query['limit'] ?? 100), Number(request.query['offset'] ?? 0)];
      const found = this.matching(request.query);
      return { letters: found.slice(offset, offset + limit), offset, limit, ...this.walk(found.length) };
    });
    app.get<{ Params: { id: string } }>('/api/dead-letters/:id', async (request, reply) => {
      const found = this.letters.find(({ id }) => id === request.params.id);
      if (found === undefined) return await problem(reply, 404, 'No dead letter has this id, or another reader holds it.');
      return { ...found, payload_b64: BYTES.toString('base64'), payloadCut: false };
    });
    for (const verb of ['replay', 'drop'] as const) {
      app.post<{ Body: Record<string, unknown> }>(`/api/dead-letters/${verb}`, (request) => {
        const { body } = request;
        const found = this.matching(body);
        const plan = { letters: found.length, readings: found.length, outcomes: { forwarded: found.length }, routes: { readings: found.length } };
        if (body['dryRun'] === true) return { ...this.walk(found.length), ...(verb === 'replay' ? { plan } : {}) };
        this.changes.push({ verb, body });
        this.letters = this.letters.filter((each) => !found.includes(each));
        return { ...this.walk(found.length), done: found.length, skipped: {}, uncertain: 0 };
      });
    }
  }

  private matching(filter: Readonly<Record<string, unknown>>): LetterView[] {
    return this.letters.filter(
      ({ id, code, device }) =>
        (filter['id'] === undefined || filter['id'] === id) &&
        (filter['code'] === undefined || filter['code'] === code) &&
        (filter['device'] === undefined || filter['device'] === device),
    );
  }

  private walk(matched: number): object {
    return { present: this.letters.length, seen: this.letters.length, matched, otherReaders: 0, ended: 'all' };
  }
}

function letter(i: number): LetterView {
  const at = new Date(Date.now() - i * 61_000).toISOString();
  const decode = i % 3 !== 1;
  return {
    id: `01J9ZK3V6M-${i}`,
    origin: 'gateway',
    code: decode ? 'DECODE_INVALID' : 'NO_ROUTE',
    stage: decode ? 'decode' : 'route',
    message:
      i === 0
        ? `unexpected ${HOSTILE}`
        : decode
          ? 'JSON ends in the middle of an object, at byte 29: {"values":{"temperature":21.5'
          : 'no route takes this reading',
    topic: i === 0 ? `devices/${HOSTILE}` : `devices/plant-${i % 9}/pump-${i}/telemetry`,
    routingKey: `devices.plant-${i % 9}.pump-${i}.telemetry`,
    attempts: 0,
    replays: i % 7 === 3 ? 1 : 0,
    scope: decode ? 'message' : 'reading',
    ...(decode ? {} : { device: `plant-${i % 9}/pump-${i}`, readings: 1, readingId: `r-${i}` }),
    receivedAt: at,
    firstFailedAt: at,
    buriedAt: at,
    config: '3f9a11c0',
    contentType: 'application/json',
    qos: 1,
    size: BYTES.length,
  };
}
