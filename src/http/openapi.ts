import type { FastifyPluginAsync } from 'fastify';
import { type DescribedRoute, ROUTES } from './openapi-paths.ts';
import { ref, type Schema, TEXT } from './openapi-parts.ts';
import { SCHEMAS } from './openapi-schemas.ts';

const REFUSED: Readonly<Record<number, string>> = {
  401: 'The token is not there, or not the right one.',
  403: 'The gateway has no `http.token`: it says what to set.',
};

/** The OpenAPI 3.1 document of the gateway's HTTP server. */
export function openapiDocument(version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice gateway',
      version,
      description: 'On loopback reading below /api needs no token; elsewhere it does. What changes something always needs it. Every GET answers HEAD too.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: SCHEMAS, securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The value of `http.token`.' } } },
  };
}

/** `/api/openapi.json`. */
export function openapi(version: string): FastifyPluginAsync {
  return async (app) => {
    const document = openapiDocument(version);
    app.get('/api/openapi.json', () => document);
  };
}

function operation({ method, path, summary, query = [], body, type = 'application/json', answer, others = {}, changes }: DescribedRoute): Schema {
  const api = path.startsWith('/api/') || changes === true;
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: TEXT }));
  const asked = query.map(([name, schema, description]) => ({ name, in: 'query', required: false, description, schema }));
  const failures = Object.entries({ ...others, ...(api ? REFUSED : {}) }).map(([status, description]) => {
    // The answer of /readyz says the same whether ready or not.
    const problem = api ? { 'application/problem+json': { schema: ref('Problem') } } : { [type]: { schema: answer } };
    return [status, { description, content: problem }];
  });
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(named.length + asked.length === 0 ? {} : { parameters: [...named, ...asked] }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: {
        description: type === 'text/event-stream' ? 'Server-sent events; each has JSON of this schema as its data.' : summary,
        content: { [type]: { schema: answer } },
      },
      ...Object.fromEntries(failures),
    },
    // An empty requirement: on loopback none.
    security: !api ? [] : changes === true ? [{ token: [] }] : [{}, { token: [] }],
  };
}
