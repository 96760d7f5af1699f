import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRabbit } from '../../../src/local/rabbit-install.ts';
import { listsEmpty } from '../../../src/setup/apt.mjs';
import { buildCurrent, buildStamp, removeOrphans } from '../../../src/setup/build.mjs';
import { chromiumPath, provideChromium } from '../../../src/setup/chromium.mjs';
import { dependenciesCurrent, dependencyStamp, explainNpm, npmCommand, npmErrors, sameVersions } from '../../../src/setup/dependencies.mjs';
import { lockHolder, withLock } from '../../../src/setup/lock.mjs';
import { packagesIn } from '../../../src/setup/debian-package.mjs';
import { haproxyHere, provideHaproxy } from '../../../src/setup/haproxy.mjs';
import { prometheusFolder, providePrometheus } from '../../../src/setup/prometheus.mjs';
import { copyPages } from '../../../src/setup/pages.mjs';
import { brokerAtHand, instructions, isDebianLike, rabbitInstalled, waysToRabbit } from '../../../src/setup/rabbitmq.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-setup-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A process id that was in use and is not any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((settle) => child.once('exit', settle));
  return child.pid ?? 0;
}

describe('dependencies', () => {
  const lock = (packages: object): string => JSON.stringify({ packages });

  it('are current while the stamp matches the lock file, and not after a change of it', () => {
    put('package-lock.json', lock({ '': {} }));
    expect(dependenciesCurrent(root)).toBe(false);
    put('node_modules/.sluice-lock', dependencyStamp(lock({ '': {} })));
    expect(dependenciesCurrent(root)).toBe(true);
    put('package-lock.json', lock({ '': {}, 'node_modules/a': { version: '1.0.0' } }));
    expect(dependenciesCurrent(root)).toBe(false);
  });

  it('are not current when they were installed on another kind of machine', () => {
    put('package-lock.json', '{}');
    put('node_modules/.sluice-lock', dependencyStamp('{}', 'plan9-mips'));
    expect(dependenciesCurrent(root)).toBe(false);
  });

  it('are taken as they are when npm was run by hand and its record agrees', () => {
    const wanted = lock({ '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } });
    put('package-lock.json', wanted);
    put('node_modules/.package-lock.json', lock({ 'node_modules/a': { version: '1.0.0' } }));
    expect(dependenciesCurrent(root)).toBe(true);
    expect(readFileSync(join(root, 'node_modules/.sluice-lock'), 'utf8')).toBe(dependencyStamp(wanted));
  });

  it.each([
    ['a package is missing', lock({})],
    ['a version differs', lock({ 'node_modules/a': { version: '1.0.1' } })],
    ['an optional one has another version', lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } })],
    ['there is no record', undefined],
    ['the record is cut short', '{"packages":'],
  ])('are not the same when %s', (_, installed) => {
    const wanted = lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } });
    expect(sameVersions(wanted, installed)).toBe(false);
  });

  it('say that a clone without its lock file is not complete', () => {
    expect(() => dependenciesCurrent(root)).toThrow(/package-lock\.json is missing/);
  });

  it.each([
    ['npm error code EAI_AGAIN\nnpm error syscall getaddrinfo', /could not reach its registry/],
    ['npm error code EACCES', /may not write/],
    ['npm error code ENOSPC', /disk is full/],
    ['npm error code E403', /refused access/],
    ['npm error code EUSAGE', /do not agree/],
    ['npm error something else', /^npm ci failed/],
  ])('explain %j', (output, words) => {
    expect(explainNpm(output)).toMatch(words);
  });

  it('repeat the words of npm that matter', () => {
    const output = 'npm warn deprecated x\nnpm error code E1\nnpm error\nnpm error what happened\nnpm error     at stack (file:1:2)\n';
    expect(npmErrors(output)).toBe('  npm error code E1\n  npm error what happened');
    expect(npmErrors('no such thing')).toBe('  no such thing');
  });

  it('are current when npm was run by hand after a change of the lock file', () => {
    put('package-lock.json', lock({ 'node_modules/a': { version: '2.0.0' } }));
    put('node_modules/.sluice-lock', dependencyStamp('an older one'));
    put('node_modules/.package-lock.json', lock({ 'node_modules/a': { version: '2.0.0' } }));
    expect(dependenciesCurrent(root)).toBe(true);
    put('node_modules/.sluice-lock', dependencyStamp('an older one', 'plan9-mips'));
    expect(dependenciesCurrent(root)).toBe(false);
  });

  it('use the npm that runs the script, and no other package manager', () => {
    expect(npmCommand({ npm_execpath: '/x/npm-cli.js' })).toEqual({ command: process.execPath, args: ['/x/npm-cli.js'] });
    expect(npmCommand({ npm_execpath: '/x/pnpm.cjs' })).toEqual({ command: 'npm', args: [] });
    expect(npmCommand({})).toEqual({ command: 'npm', args: [] });
  });
});

describe('the build', () => {
  beforeEach(() => {
    put('src/a.ts', 'export {};');
    put('src/deep/b.ts', 'export {};');
    put('src/setup/c.mjs', 'export {};');
    put('dist/src/a.js', '');
    put('dist/src/deep/b.js', '');
    put('dist/.sluice-build', buildStamp(root));
  });

  it('is current whatever the times of the files are', () => {
    expect(buildCurrent(root)).toBe(true);
    utimesSync(join(root, 'src/a.ts'), new Date(), new Date());
    expect(buildCurrent(root)).toBe(true);
  });

  it.each(['src/a.ts', 'src/new.ts', 'src/data.json', 'src/console/index.html', 'src/console/base.css', 'devices/d.ts', 'tsconfig.json', 'package-lock.json'])(
    'is not current after a change of %s',
    (path) => {
      put(path, 'changed');
      expect(buildCurrent(root)).toBe(false);
    },
  );

  it('is not current when a source or an output is gone', () => {
    rmSync(join(root, 'dist/src/deep/b.js'));
    expect(buildCurrent(root)).toBe(false);
    put('dist/src/deep/b.js', '');
    rmSync(join(root, 'src/a.ts'));
    expect(buildCurrent(root)).toBe(false);
  });

  it('has the pages of the console beside its scripts, and is not current without them', () => {
    for (const name of ['index.html', 'base.css', 'icon.svg', 'main.ts', 'uplot.d.ts', 'tsconfig.json']) put(`src/console/${name}`, name);
    put('dist/src/console/main.js', '');
    copyPages(root);
    put('dist/.sluice-build', buildStamp(root));
    expect(buildCurrent(root)).toBe(true);
    expect(readFileSync(join(root, 'dist/src/console/base.css'), 'utf8')).toBe('base.css');
    rmSync(join(root, 'dist/src/console/base.css'));
    expect(buildCurrent(root)).toBe(false);
    put('dist/src/console/base.css', '');
    rmSync(join(root, 'src/console/base.css'));
    removeOrphans(root);
    expect(['base.css', 'index.html', 'main.js'].map((name) => existsSync(join(root, 'dist/src/console', name)))).toEqual([false, true, true]);
  });

  it('loses what was written for sources that are gone, and nothing else', () => {
    for (const path of ['dist/src/old.js', 'dist/src/old.js.map', 'dist/src/data.json']) put(path, '');
    removeOrphans(root);
    expect(['dist/src/old.js', 'dist/src/old.js.map', 'dist/src/data.json', 'dist/src/a.js'].map((path) => existsSync(join(root, path)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('the lock', () => {
  it('lets one work at a time, in one process and over processes', async () => {
    const path = join(root, 'locks', 'setup.lock');
    const order: string[] = [];
    const script = `
      const { withLock } = await import(${JSON.stringify(new URL('../../../src/setup/lock.mjs', import.meta.url).href)});
      const fs = await import('node:fs');
      await withLock(${JSON.stringify(path)}, 20000, async () => {
        fs.appendFileSync(${JSON.stringify(join(root, 'order'))}, 'in\\n');
        await new Promise((settle) => setTimeout(settle, 100));
        fs.appendFileSync(${JSON.stringify(join(root, 'order'))}, 'out\\n');
      });`;
    await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
        order.push(String(await new Promise((settle) => child.once('exit', settle))));
      }),
    );
    expect(order).toEqual(['0', '0', '0', '0']);
    expect(readFileSync(join(root, 'order'), 'utf8')).toBe('in\nout\n'.repeat(4));
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a process that has died', async () => {
    const path = join(root, 'setup.lock');
    writeFileSync(path, `${await deadPid()}\n`);
    expect(lockHolder(path)).toBeUndefined();
    expect(await withLock(path, 1000, async () => lockHolder(path))).toBe(process.pid);
    expect(existsSync(path)).toBe(false);
  });

  it('is not waited for without end, and is given back after a failure', async () => {
    const path = join(root, 'setup.lock');
    writeFileSync(path, `${process.ppid}\n`);
    await expect(withLock(path, 300, async () => undefined)).rejects.toThrow(`pid ${process.ppid}`);
    rmSync(path);
    await expect(withLock(path, 300, async () => await Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
    expect(existsSync(path)).toBe(false);
  });
});

describe('RabbitMQ', () => {
  const machine = { external: false, installed: false, homeGiven: false, debian: true, rights: 'root' as const, docker: async () => true };
  const never = async (): Promise<boolean> => {
    throw new Error('Docker must not be asked');
  };
  const none = async (): Promise<boolean> => false;

  it.each([
    ['your own broker first', { external: true, installed: true, docker: never }, ['external']],
    ['the installed server, without asking Docker', { installed: true, docker: never }, ['installed']],
    ['apt with root, Docker if that fails', {}, ['apt', 'docker']],
    ['apt with sudo', { rights: 'sudo' as const, docker: none }, ['apt']],
    ['Docker without rights', { rights: undefined }, ['docker']],
    ['Docker where there is no apt', { debian: false }, ['docker']],
    ['no installation when the user said where the server lies', { homeGiven: true }, ['docker']],
    ['nothing', { rights: undefined, docker: none }, []],
  ])('comes from %s', async (_, given, ways) => {
    expect(await waysToRabbit({ ...machine, ...given })).toEqual(ways);
  });

  it.each([
    ['ID=debian', true],
    ['ID=ubuntu\nID_LIKE=debian', true],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"', true],
    ['ID=fedora', false],
    ['NAME="not debian"\nID=arch', false],
  ])('%j is Debian or its kin: %s', (text, answer) => {
    expect(isDebianLike(text)).toBe(answer);
  });

  it('is found in a given folder or on the PATH, not as the wrapper of Debian, and the node finds the same', () => {
    const server = (folder: string): void => {
      for (const name of ['rabbitmq-server', 'rabbitmqctl']) {
        put(`${folder}/${name}`, '#!/bin/sh\n');
        chmodSync(join(root, folder, name), 0o755);
      }
    };
    server('real/sbin');
    put('wrapper/rabbitmq-script-wrapper', '#!/bin/sh\n');
    put('wrapper/rabbitmqctl', '#!/bin/sh\n');
    symlinkSync('rabbitmq-script-wrapper', join(root, 'wrapper/rabbitmq-server'));
    mkdirSync(join(root, 'linked'));
    symlinkSync(join(root, 'real/sbin/rabbitmq-server'), join(root, 'linked/rabbitmq-server'));
    for (const [folder, there] of [
      ['real', true],
      ['real/sbin', true],
      ['linked', true],
      ['wrapper', false],
      ['nowhere', false],
    ] as const) {
      const env = { SLUICE_RABBITMQ_HOME: join(root, folder), PATH: process.env['PATH'] };
      const sbin = there ? join(root, 'real/sbin') : undefined;
      expect({ folder, installed: rabbitInstalled(env), sbin: findRabbit(env)?.sbin }).toEqual({ folder, installed: there, sbin });
    }
  });

  it('is at hand when a broker was named', () => {
    expect(brokerAtHand({ SLUICE_AMQP_URL: 'amqp://x', SLUICE_RABBITMQ_HOME: root })).toBe(true);
    expect(brokerAtHand({ SLUICE_RABBITMQ_HOME: root })).toBe(false);
  });

  it('is described for every system', () => {
    for (const platform of ['linux', 'darwin'] as const) {
      for (const words of ['apt-get install', 'brew install rabbitmq', 'Docker', 'SLUICE_AMQP_URL=']) expect(instructions(platform)).toContain(words);
    }
  });

  it('needs package lists first in a fresh container', () => {
    expect(listsEmpty(['lock', 'partial', 'auxfiles'])).toBe(true);
    expect(listsEmpty(['deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages.lz4'])).toBe(false);
  });
});

describe('Prometheus', () => {
  const both = (folder: string): void => {
    for (const name of ['prometheus', 'promtool']) put(`${folder}/${name}`, '');
  };

  it('is found where the user says and nowhere else, on the PATH, or where the set-up unpacks it', () => {
    both('given/bin');
    both('on-path');
    put('half/prometheus', '');
    const found = (env: NodeJS.ProcessEnv): string | undefined => prometheusFolder(root, env);
    expect(found({ SLUICE_PROMETHEUS_HOME: join(root, 'given') })).toBe(join(root, 'given/bin'));
    expect(found({ SLUICE_PROMETHEUS_HOME: join(root, 'half'), PATH: join(root, 'on-path') })).toBeUndefined();
    expect(found({ PATH: `${join(root, 'half')}:${join(root, 'on-path')}` })).toBe(join(root, 'on-path'));
    both('.sluice/prometheus');
    // One of the system comes first.
    expect([join(root, '.sluice/prometheus'), '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']).toContain(found({ PATH: '' }));
  });

  it('is not fetched where the user said where it lies, and its absence is no failure', async () => {
    await providePrometheus(root, { SLUICE_PROMETHEUS_HOME: join(root, 'nowhere') });
    expect(existsSync(join(root, '.sluice'))).toBe(false);
  });
});

describe('Chromium', () => {
  it('is found where the user says and nowhere else, or on the PATH', () => {
    for (const path of ['given/my-browser', 'on-path/chromium']) put(path, '');
    expect(chromiumPath({ SLUICE_CHROMIUM: join(root, 'given/my-browser'), PATH: '' })).toBe(join(root, 'given/my-browser'));
    expect(chromiumPath({ SLUICE_CHROMIUM: join(root, 'nowhere'), PATH: join(root, 'on-path') })).toBeUndefined();
    put('on-path/chromium-headless-shell', '');
    expect(chromiumPath({ PATH: join(root, 'on-path') })).toBe(join(root, 'on-path/chromium-headless-shell'));
  });

  it('is not installed where the user said where it lies, and its absence is no failure', async () => {
    await provideChromium({ SLUICE_CHROMIUM: join(root, 'nowhere') });
    expect(existsSync(join(root, 'nowhere'))).toBe(false);
  });
});

describe('HAProxy', () => {
  it('is found where the user says and nowhere else, on the PATH, or with its libraries where the set-up unpacks it', () => {
    put('given/proxy', '');
    put('on-path/haproxy', '');
    const found = (env: NodeJS.ProcessEnv): ReturnType<typeof haproxyHere> => haproxyHere(root, env);
    expect(found({ SLUICE_HAPROXY: join(root, 'given/proxy') })).toEqual({ program: join(root, 'given/proxy'), env: {} });
    expect(found({ SLUICE_HAPROXY: join(root, 'nowhere'), PATH: join(root, 'on-path') })).toBeUndefined();
    expect(found({ PATH: join(root, 'on-path') })).toEqual({ program: join(root, 'on-path/haproxy'), env: {} });
    put('.sluice/haproxy/usr/sbin/haproxy', '');
    put('.sluice/haproxy/usr/lib/x86_64-linux-gnu/liblua.so', '');
    // One of the system comes first.
    const libraries = expect.stringContaining(join(root, '.sluice/haproxy/usr/lib/x86_64-linux-gnu')) as string;
    const own = { program: join(root, '.sluice/haproxy/usr/sbin/haproxy'), env: { LD_LIBRARY_PATH: libraries } };
    const system = { program: expect.stringMatching(/^\/(usr|opt)\//) as string, env: {} };
    expect([own, system]).toContainEqual(found({ PATH: '' }));
  });

  it('is not fetched where the user said where it lies, and its absence is no failure', async () => {
    await provideHaproxy(root, { SLUICE_HAPROXY: join(root, 'nowhere') });
    expect(existsSync(join(root, '.sluice'))).toBe(false);
  });

  it('comes with the packages that it needs and that are not here', () => {
    const said =
      'Reading package lists...\nInst liblua5.3-0 (5.3.6-2 Debian:12/stable [amd64])\nInst haproxy (2.6.12 Debian:12/stable [amd64])\nConf haproxy (2.6.12)\n';
    expect(packagesIn(said)).toEqual(['liblua5.3-0', 'haproxy']);
  });
});
