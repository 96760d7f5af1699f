import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/commands/command.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { DOCKER } from '../support/compose.ts';

const DOCS = join(DOCKER, '..', 'docs');
const UNITS = [
  { name: 'sluice', settings: 'config/sluice.yaml', state: 'SLUICE_STATE_DIR', page: 'deployment.md', reload: ['/bin/kill -HUP $MAINPID'] },
  // An edge takes other settings over by a restart.
  { name: 'sluice-edge', settings: 'config/edge.yaml', state: 'SLUICE_EDGE_DIR', page: 'edge.md', reload: [] },
] as const;

const analyzer = spawnSync('systemd-analyze', ['--version'], { timeout: 30_000 }).status === 0;
if (!analyzer) console.log('skipped: there is no systemd-analyze here');

function analyze(args: readonly string[], unit: string): { code: number | null; output: string } {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-unit-'));
  try {
    const file = join(dir, 'sluice.service');
    writeFileSync(file, unit);
    const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, '--no-pager', file], { encoding: 'utf8', timeout: 60_000 });
    return { code: status, output: `${stdout}${stderr}` };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe.each(UNITS)('the unit $name of docker/systemd', ({ name, settings, state, page, reload }) => {
  const UNIT = readFileSync(join(DOCKER, 'systemd', `${name}.service`), 'utf8');
  const PAGE = readFileSync(join(DOCS, page), 'utf8');
  /** Values of a key, in the order of the file. */
  const values = (key: string): string[] => [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);

  it('gives the drain its time, and starts again after everything but wrong settings', async () => {
    const loaded = await loadSettings(join(DOCKER, '..', settings), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(loaded.settings.gateway.drainSeconds + 5);
    expect(values('KillSignal')).toEqual(['SIGTERM']);
    expect(values('Restart')).toEqual(['on-failure']);
    expect(values('RestartPreventExitStatus')).toEqual([`${EXIT.usage} ${EXIT.settings}`]);
    expect(values('ExecReload')).toEqual(reload);
  });

  it('keeps the password in a credential, and writes to its state alone', () => {
    const [credential = ''] = values('LoadCredential')[0]?.split(':') ?? [];
    expect(PAGE).toContain(`\${file:/run/credentials/${name}.service/${credential}}`);
    expect(values('ProtectSystem')).toEqual(['strict']);
    expect(values('StateDirectory').map((folder) => `/var/lib/${folder}`)).toEqual([new RegExp(`${state}=(\\S+)`).exec(values('Environment')[0] ?? '')?.[1]]);
    expect(values('MemoryMax')).toEqual(['512M']);
    expect(UNIT).not.toContain('ReadWritePaths');
  });

  it.skipIf(!analyzer)('is taken by systemd', { timeout: 120_000 }, () => {
    // With programs and a page that are here.
    const here = UNIT.replace('/usr/bin/node /opt/sluice/dist/src/main.js', process.execPath).replace(/^Documentation=.*\n/m, '');
    expect(analyze(['verify'], here)).toEqual({ code: 0, output: '' });
    expect(analyze(['verify'], here.replace('ProtectClock=', 'ProtectCloque=')).output).toContain('ProtectCloque');
  });

  it.skipIf(!analyzer)('is as little exposed as the documentation says', { timeout: 120_000 }, () => {
    const help = execFileSync('systemd-analyze', ['--help'], { encoding: 'utf8' });
    if (!help.includes('--offline')) return;
    const [, score = ''] = /exposure level is (\d\.\d)/.exec(readFileSync(join(DOCS, 'deployment.md'), 'utf8')) ?? [];
    // In tenths; the exit code is 1 above it. Newer versions look at more.
    expect(analyze(['security', '--offline=yes', `--threshold=${Number(score) * 10 + 5}`], UNIT)).toMatchObject({ code: 0 });
    expect(
      analyze(['security', '--offline=yes', `--threshold=${Number(score) * 10 + 5}`], UNIT.replace('ProtectSystem=strict', '').replaceAll(/^System.*\n/gm, '')),
    ).toMatchObject({ code: 1 });
  });
});
