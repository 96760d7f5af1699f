import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultCodecs } from '../../src/codec/registry.ts';
import { CHECK_EXIT_CODES } from '../../src/commands/check.ts';
import { test } from '../../src/commands/test.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { casesJsonSchema, casesMarkdown, configurationMarkdown, settingsJsonSchema } from '../../src/settings/reference.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const codecs = defaultCodecs();

function yamlFiles(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => path.join(folder, entry.name));
}

function profileFiles(): string[] {
  try {
    return yamlFiles('config/profiles');
  } catch {
    return [];
  }
}

describe('the reference of the settings', () => {
  it.each([
    ['docs/configuration.md', configurationMarkdown(CHECK_EXIT_CODES)],
    ['docs/schema/settings.json', settingsJsonSchema()],
    ['docs/schema/tests.json', casesJsonSchema()],
  ])('%s is what the schema says (UPDATE_DOCS=1 rewrites it)', (file, text) => {
    const full = path.join(ROOT, file);
    if (process.env['UPDATE_DOCS'] === '1') {
      mkdirSync(path.dirname(full), { recursive: true });
      writeFileSync(full, text);
    }
    expect(readFileSync(full, 'utf8')).toBe(text);
  });

  it('has the keys of tests in docs/testing.md (UPDATE_DOCS=1 rewrites it)', () => {
    const file = path.join(ROOT, 'docs/testing.md');
    const wanted = (text: string): string => text.replace(/<!-- keys -->[\s\S]*<!-- \/keys -->/, () => `<!-- keys -->\n\n${casesMarkdown()}\n\n<!-- /keys -->`);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted(readFileSync(file, 'utf8')));
    const text = readFileSync(file, 'utf8');
    expect(text).toBe(wanted(text));
  });

  it.each([settingsJsonSchema(), casesJsonSchema()])('describes every key', (schema) => {
    const undescribed: string[] = [];
    const walk = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, items } = node as { properties?: Record<string, { description?: string }>; items?: unknown };
      for (const [name, key] of Object.entries(properties ?? {})) {
        if ((key.description ?? '').length < 5) undescribed.push(`${at}.${name}`);
        walk(key, `${at}.${name}`);
      }
      walk(items, `${at}[]`);
    };
    walk(JSON.parse(schema), '');
    expect(undescribed).toEqual([]);
  });
});

describe('the files in config/', () => {
  const files = yamlFiles('config');

  it('are there', () => {
    expect(files).toContain('config/sluice.yaml');
    expect(files).toContain('config/minimal.yaml');
  });

  it.each(files)('%s loads without a problem or a warning, with nothing in the environment', async (file) => {
    const result = await loadSettings(path.join(ROOT, file), {}, { codecs });
    expect(result.ok ? result.warnings : result.problems).toEqual([]);
    expect(result.ok).toBe(true);
  });

  it.each(files)('%s is right in the eyes of an editor that goes by docs/schema/settings.json', (file) => {
    const validate = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(settingsJsonSchema()) as object);
    const good = validate(parse(readFileSync(path.join(ROOT, file), 'utf8')));
    expect(validate.errors ?? []).toEqual([]);
    expect(good).toBe(true);
  });

  it.each(yamlFiles('config/tests'))('%s passes, and is right in the eyes of an editor', async (file) => {
    let printed = '';
    const keep = (text: string): void => void (printed += text);
    const code = await test([path.join(ROOT, file)], {}, { out: keep, err: keep });
    expect(printed.split('\n').filter((line) => line.startsWith('  FAIL'))).toEqual([]);
    expect(code).toBe(0);
    const validate = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(casesJsonSchema()) as object);
    validate(parse(readFileSync(path.join(ROOT, file), 'utf8')));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('each has its tests, save for the edge, which decides nothing about a message', () => {
    const names = (list: readonly string[]): string[] => list.map((file) => path.basename(file));
    expect(names(yamlFiles('config/tests'))).toEqual(names(files).filter((name) => name !== 'edge.yaml'));
  });

  it('every file in config/profiles loads without a problem or a warning', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-settings-'));
    try {
      for (const file of profileFiles()) {
        const settings = path.join(folder, 'settings.yaml');
        const text = `profileFiles: [${JSON.stringify(path.join(ROOT, file))}]\nexchanges: [{ name: x }]\nqueues: [{ name: q, bindings: [{ exchange: x, routingKey: '#' }] }]\nroutes: [{ name: r, exchange: x }]\n`;
        await writeFile(settings, text);
        const result = await loadSettings(settings, {}, { codecs });
        expect(result.ok ? result.warnings : result.problems).toEqual([]);
        expect(result.ok && result.settings.profiles.length).toBeGreaterThan(0);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
