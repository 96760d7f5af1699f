import type { FastifyPluginAsync } from 'fastify';
import type { EpochMs } from '../domain/message.ts';
import type { Explainer } from '../pipeline/explainer.ts';
import { badRequest, inputOf, textIn } from './request.ts';

/** Room for the longest payload of the default limits, in base64 or with escapes. */
const BODY_LIMIT = 4_194_304;
/** Base64 of RFC 4648, section 4. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `/api/explain`: what would become of a message under the settings in force. */
export function explain(explainer: Explainer, now: () => EpochMs): FastifyPluginAsync {
  return async (app) => {
    app.post('/api/explain', { bodyLimit: BODY_LIMIT, config: { reads: true } }, (request, reply) => {
      const input = inputOf(request.body ?? {}, ['topic', 'payload', 'payload_b64', 'contentType', 'contentEncoding']);
      const topic = textIn(input, 'topic');
      if (topic === undefined) throw badRequest('topic is needed: the MQTT topic of the message');
      const text = explainer.explain({
        topic,
        profile: undefined,
        body: bodyOf(input),
        contentType: textIn(input, 'contentType'),
        contentEncoding: textIn(input, 'contentEncoding'),
        receivedAt: now(),
      });
      return reply.header('content-type', 'application/json; charset=utf-8').send(text);
    });
  };
}

function bodyOf(input: Readonly<Record<string, unknown>>): Buffer {
  const { payload, payload_b64: coded } = input;
  if ((payload === undefined) === (coded === undefined)) throw badRequest('give either payload, as text, or payload_b64');
  if (payload !== undefined) {
    if (typeof payload !== 'string') throw badRequest('payload must be a text');
    return Buffer.from(payload, 'utf8');
  }
  if (typeof coded !== 'string' || !BASE64.test(coded)) throw badRequest('payload_b64 must be base64');
  return Buffer.from(coded, 'base64');
}
