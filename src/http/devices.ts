import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { FLAGS } from '../domain/flags.ts';
import type { EpochMs } from '../domain/message.ts';
import type { DeviceRegistry } from '../pipeline/device-registry.ts';
import { type DeviceQuery, listDevices, SORTS, summarise } from './device-list.ts';
import { deviceDetail, deviceRow } from './device-row.ts';
import { choiceIn, numberIn, queryOf, RequestProblem, textIn } from './request.ts';

const LISTED = 100;
const MOST_LISTED = 1000;
const MOST = 10_000_000;

/** `/api/devices`: what the gateway has seen of its devices. */
export function devices(registry: DeviceRegistry, now: () => EpochMs): FastifyPluginAsync {
  return async (app) => {
    app.get('/api/devices', (request, reply) => {
      const query = deviceQuery(request.query);
      const at = now();
      const { devices: page, total } = listDevices(registry, query, at);
      const rows = page.map((device) => deviceRow(device, at));
      const { offset, limit } = query;
      return json(
        reply,
        `{"devices":[${rows.join(',')}],"total":${total},"known":${registry.size},"forgotten":${registry.forgotten},"offset":${offset},"limit":${limit}}`,
      );
    });

    app.get('/api/devices/summary', () => summarise(registry, now()));

    app.get<{ Params: { device: string } }>('/api/devices/:device', (request, reply) => {
      const device = registry.get(request.params.device);
      if (device === undefined) {
        throw new RequestProblem(404, 'Not Found', 'No device of this name was seen since the gateway started, or it made room for others.');
      }
      return json(reply, deviceDetail(device, now()));
    });
  };
}

function deviceQuery(query: unknown): DeviceQuery {
  const input = queryOf(query, ['search', 'profile', 'flag', 'silent', 'sort', 'order', 'limit', 'offset']);
  const sort = choiceIn(input, 'sort', SORTS) ?? 'lastSeen';
  const order = choiceIn(input, 'order', ['asc', 'desc']) ?? (sort === 'device' ? 'asc' : 'desc');
  const silent = choiceIn(input, 'silent', ['true', 'false']);
  return {
    search: textIn(input, 'search')?.toLowerCase(),
    profile: textIn(input, 'profile'),
    flag: choiceIn(input, 'flag', FLAGS),
    silent: silent === undefined ? undefined : silent === 'true',
    sort,
    descending: order === 'desc',
    limit: numberIn(input, 'limit', { least: 1, most: MOST_LISTED }) ?? LISTED,
    offset: numberIn(input, 'offset', { least: 0, most: MOST }) ?? 0,
  };
}

function json(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(text);
}
