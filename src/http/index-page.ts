import type { FastifyPluginAsync } from 'fastify';
import type { StatusProvider } from './ports.ts';

const LINKS: readonly (readonly [path: string, what: string])[] = [
  ['/livez', 'is the process alive'],
  ['/readyz', 'does it forward everything, and if not, why'],
  ['/status', 'ledger, lanes, sessions, rates'],
  ['/metrics', 'for Prometheus'],
];

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** `/`: what is here. Registered last, and only where no other plugin has a page at `/`. */
export function indexPage(provider: StatusProvider): FastifyPluginAsync {
  return async (app) => {
    if (app.hasRoute({ method: 'GET', url: '/' })) return;
    const links = LINKS.map(([path, what]) => `<li><a href="${path}">${path}</a> ${html(what)}</li>`).join('\n');
    const title = html(`${provider.name} - Sluice ${provider.version}`);
    const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body>
<h1>${title}</h1>
<ul>
${links}
</ul>
</body>
</html>
`;
    app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  };
}
