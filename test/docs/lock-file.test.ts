import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complete, platformEntry } from '../../src/setup/complete-lock.mjs';

describe('package-lock.json', () => {
  it('names the binaries of every platform, or npm ci refuses it (run: node src/setup/complete-lock.mjs)', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8');
    expect(complete((JSON.parse(text) as { packages: Parameters<typeof complete>[0] }).packages)).toEqual([]);
  });

  it.each([
    ['@biomejs/cli-darwin-arm64', { os: ['darwin'], cpu: ['arm64'] }],
    ['@oxlint/binding-linux-arm-musleabihf', { os: ['linux'], cpu: ['arm'], libc: ['musl'] }],
    ['@oxlint/binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'], libc: ['glibc'] }],
    ['@oxlint/binding-openharmony-arm64', { os: ['openharmony'], cpu: ['arm64'] }],
    ['@oxlint/binding-win32-ia32-msvc', { os: ['win32'], cpu: ['ia32'] }],
    ['lightningcss-android-arm64', { os: ['android'], cpu: ['arm64'] }],
  ])('knows the platform of %s by its name', (name, platform) => {
    expect(platformEntry(name, '1.0.0', { dev: true })).toEqual({ version: '1.0.0', dev: true, optional: true, ...platform });
  });

  it('is completed with exact versions only, and not where a package is nested', () => {
    const packages: Parameters<typeof complete>[0] = {
      'node_modules/a': { optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-range': '^1.0.0', 'a-nested': '1.0.0' } },
      'node_modules/a/node_modules/a-nested': { version: '1.0.0' },
    };
    expect(complete(packages)).toEqual(['a-linux-x64']);
    expect(packages['node_modules/a-linux-x64']).toMatchObject({ version: '1.0.0', os: ['linux'] });
  });
});
