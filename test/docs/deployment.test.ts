import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compose } from '../support/compose.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'deployment.md'), 'utf8');

/** As GitHub makes them of headings. */
function anchors(path: string): string[] {
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('docs/deployment.md', () => {
  it('links to pages and sections that exist', () => {
    const links = [...PAGE.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)].map(([, file = '', anchor]) => ({
      file: join(ROOT, 'docs', file || 'deployment.md'),
      anchor,
    }));
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter(({ file }) => !existsSync(file))).toEqual([]);
    expect(links.filter(({ file, anchor }) => anchor !== undefined && !anchors(file).includes(anchor))).toEqual([]);
  });

  it('names files that exist', () => {
    const made = /^docker\/(\.env|secrets(\/.*)?)$/;
    const named = [...PAGE.matchAll(/(?<![\w./])(?:docker|config)\/[\w./-]*\w/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !made.test(path) && !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('calls services, tags and settings by their names', () => {
    const { services } = compose('compose.production.yaml');
    const called = [...PAGE.matchAll(/compose\.production\.yaml (?:exec|up -d --no-deps) ([\w-]+)/g)].map(([, name = '']) => name);
    expect(called.length).toBeGreaterThan(2);
    expect(called.filter((name) => !(name in services))).toEqual([]);
    for (const tag of [services['rabbit-1']?.image, services['balancer']?.image]) expect(PAGE).toContain(`\`${tag}\``);
    const reference = readFileSync(join(ROOT, 'docs', 'configuration.md'), 'utf8');
    for (const setting of ['prefetch', 'singleActiveConsumer', 'maxBytes', 'drainSeconds', 'stateDir']) expect(reference).toContain(`| \`${setting}\` |`);
  });
});
