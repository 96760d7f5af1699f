import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultCodecs } from '../../src/codec/registry.ts';
import { corpusMissing } from '../support/corpus.ts';
import { FORMATS } from '../support/format-list.ts';
import { layoutMarkdown } from '../../src/settings/reference.ts';
import { layoutsOf, tally } from '../support/formats.ts';
import { type DecoderFor, decodersFor, RECEIVED, ROOT, shipped } from '../unit/profiles/support.ts';

const { profiles } = await shipped();

/** Puts a text between the marks of a page, where UPDATE_DOCS=1, and answers what stands there. */
function between(page: string, mark: string, text: string): string {
  const file = join(ROOT, 'docs', page);
  const place = new RegExp(`(<!-- generated: ${mark} -->\n)([\\s\\S]*?)(<!-- end -->)`);
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(place, (_all, before: string, _old: string, after: string) => `${before}\n${text}\n\n${after}`),
    );
  }
  const found = place.exec(readFileSync(file, 'utf8'));
  if (found === null) throw new Error(`${page} has no place for ${mark}`);
  return (found[2] ?? '').trim();
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function share(found: number, all: number): string {
  return all === 0 ? '' : `${found} of ${all}`;
}

function code(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(', ');
}

function profileList(): string {
  return profiles
    .map((profile) => {
      const file = readFileSync(join(ROOT, 'config/profiles', `${profile.name}.yaml`), 'utf8');
      const about = aboutFile(file);
      const aside = [
        ...(profile.ignore ?? []).map((text) => `\`${text}\``),
        ...(profile.ignoreWhen ?? []).map(({ at, is }) => (is === undefined ? `payloads with \`${at}\`` : `payloads whose \`${at}\` is ${is.join(', ')}`)),
      ];
      const filtered = aside.length === 0 ? 'nothing by name' : aside.join(', ');
      return `### ${profile.name}\n\n${about}\n\n- Topics: ${code(profile.topics)}\n- Codec: ${code([profile.codec].flat())}\n- Filtered: ${filtered}`;
    })
    .join('\n\n');
}

/** What the comment at the top of a shipped file says, on one line. */
function aboutFile(text: string): string {
  const [comment = ''] = text.split(/^name:/m);
  return comment
    .split('\n')
    .filter((line) => !line.startsWith('# Source:'))
    .map((line) => line.replace(/^# ?/, ''))
    .join(' ')
    .replaceAll(/ +/g, ' ')
    .trim();
}

function layoutList(): string {
  return readdirSync(join(ROOT, 'config/payloads'))
    .sort()
    .map((file) => `- \`${file.replace(/\.yaml$/, '')}\`: ${aboutFile(readFileSync(join(ROOT, 'config/payloads', file), 'utf8'))}`)
    .join('\n');
}

function codecTable(): string {
  const codecs = defaultCodecs();
  const rows = codecs.names.map((name) => {
    const users = profiles.filter((profile) => [profile.codec].flat().includes(name)).map((profile) => profile.name);
    return row([`\`${name}\``, `\`${codecs.get(name)?.contentType ?? ''}\``, users.length > 0 ? users.join(', ') : '']);
  });
  return [row(['codec', 'media type', 'profiles']), row(['---', '---', '---']), ...rows].join('\n');
}

function corpusTable(decoderFor: DecoderFor): string {
  const titles = ['format', 'profile', 'messages', 'readings', 'filtered', 'dead-lettered', 'numbers found', 'expected found'];
  const notes: string[] = [];
  const rows = FORMATS.map((format) => {
    const found = tally(format, decoderFor, RECEIVED);
    const marks = [...found.unfound].map(([reason, count]) => {
      if (!notes.includes(reason)) notes.push(reason);
      return `${count} (${notes.indexOf(reason) + 1})`;
    });
    return row([
      format.name,
      format.profile,
      found.messages,
      found.readings,
      found.filtered,
      found.deadLettered,
      share(found.numbersFound, found.numbers),
      share(found.expectedFound, found.expected) + (marks.length === 0 ? '' : `; not ${marks.join(', ')}`),
    ]);
  });
  return [row(titles), row(titles.map(() => '---')), ...rows, ...notes.map((note, i) => `\n(${i + 1}) ${note}.`)].join('\n');
}

describe('docs/profiles.md and docs/formats.md (UPDATE_DOCS=1 writes them)', () => {
  it('list the shipped profiles', () => {
    const text = profileList();
    expect(between('profiles.md', 'profiles', text)).toBe(text);
  });

  it('list the shipped layouts of payloads, and the keys of a layout', () => {
    const list = layoutList();
    expect(between('payloads.md', 'layouts', list)).toBe(list);
    const keys = layoutMarkdown();
    expect(between('payloads.md', 'keys', keys)).toBe(keys);
  });

  it('list the codecs', () => {
    const text = codecTable();
    expect(between('formats.md', 'codecs', text)).toBe(text);
    for (const name of defaultCodecs().names) expect(readFileSync(join(ROOT, 'docs/formats.md'), 'utf8')).toMatch(new RegExp(`^- .*\`${name}\``, 'm'));
  });

  it.skipIf(corpusMissing !== undefined)('hold the table of the real payloads', async () => {
    const text = corpusTable(await decodersFor(layoutsOf(FORMATS)));
    expect(between('formats.md', 'corpus', text)).toBe(text);
  });

  it('are there', () => {
    expect(existsSync(join(ROOT, 'docs/formats.md'))).toBe(true);
    expect(readFileSync(join(ROOT, 'docs/formats.md'), 'utf8')).toMatch(/^\| Tasmota \| tasmota \| \d+ \|/m);
  });

  it('are about every profile of config/all-profiles.yaml', () => {
    const { useProfiles } = parse(readFileSync(join(ROOT, 'config/all-profiles.yaml'), 'utf8')) as { useProfiles: string[] };
    expect(profiles.map((profile) => profile.name)).toEqual(useProfiles);
  });
});
