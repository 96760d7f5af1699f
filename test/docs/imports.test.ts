import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ackViolations, importsOf, importViolations, longFiles, markupViolations, type SourceFile, timeViolations } from './source-rules.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MOST_LINES = 300;

function read(folder: string): SourceFile[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mts|mjs|js|cjs)$/.test(name))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }));
}

const FILES = [...read('src'), ...read('devices')];

function file(path: string, text: string): SourceFile {
  return { path, text };
}

describe('the sources', () => {
  it('are found', () => {
    expect(FILES.length).toBeGreaterThan(20);
    expect(FILES.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(50);
  });

  it('import in one direction only', () => {
    expect(importViolations(FILES)).toEqual([]);
  });

  it('get time and chance passed in where they must be pure', () => {
    expect(timeViolations(FILES)).toEqual([]);
  });

  it('ack in their places only, and never nack', () => {
    expect(ackViolations(FILES)).toEqual([]);
  });

  it('make no markup out of text in the console', () => {
    expect(markupViolations(FILES)).toEqual([]);
  });

  it(`have at most ${MOST_LINES} lines`, () => {
    expect(longFiles(FILES, MOST_LINES)).toEqual([]);
  });
});

describe('the rules', () => {
  it.each([
    ['src/domain/a.ts', "import { x } from '../codec/x.ts';", 'domain may not import codec'],
    ['src/codec/a.ts', "import type { Batch } from '../pipeline/ports.ts';", 'codec may not import pipeline'],
    ['src/pipeline/a.ts', "export { Sink } from '../rabbit/sink.ts';", 'pipeline may not import rabbit'],
    ['src/pipeline/a.ts', "const m = await import('../app.ts');", 'pipeline may not import app'],
    ['src/rabbit/a.ts', "import '../observe/metrics.ts';", 'rabbit may not import observe'],
    ['src/http/a.ts', "import {\n  a,\n  b,\n} from '../observe/metrics.ts';", 'http may not import observe'],
    ['src/observe/deep/a.ts', "import x from '../../http/server.ts';", 'observe may not import http'],
    ['src/rabbit/a.ts', "import x from '../settings/load.ts';", 'rabbit may not import settings'],
    ['src/settings/a.ts', "import x from '../codec/json.ts';", 'settings may not import codec'],
    ['src/app.ts', "import x from './commands/up.ts';", 'app may not import commands'],
    ['src/app.ts', "import x from './local/node.ts';", 'app may not import local'],
    ['src/commands/a.ts', "import x from '../main.ts';", 'commands may not import main'],
    ['src/local/a.ts', "import x from '../rabbit/session.ts';", 'local may not import rabbit'],
    ['src/local/a.ts', "import x from '../rabbit/topology-other.ts';", 'local may not import rabbit'],
    ['src/rabbit/a.ts', "import x from '../version.ts';", 'rabbit may not import version'],
    ['src/app.ts', "import x from '../devices/fleet.ts';", 'app may not import devices'],
    ['src/local/a.ts', "import x from 'amqplib';", "local may use Node's own modules only"],
    ['src/setup/a.mjs', "import x from '../domain/fault.ts';", 'setup may not import domain'],
    ['src/setup/a.mjs', "import x from 'yaml';", "setup may use Node's own modules only"],
    ['src/verify/a.ts', "import x from '../pipeline/lane.ts';", 'verify may not import pipeline'],
    ['src/verify/a.ts', "import x from '../rabbit/session.ts';", 'verify may not import rabbit'],
    ['src/app.ts', "import x from './verify/proxy.ts';", 'app may not import verify'],
    ['devices/a.ts', "import x from '../src/domain/fault.ts';", 'devices may not import domain'],
    ['src/domain/a.ts', "import x from '../../devices/fleet.ts';", 'domain may not import devices'],
    ['src/domain/a.ts', "import { readFileSync } from 'node:fs';", 'domain does no I/O'],
    ['src/codec/a.ts', "import net from 'node:net';", 'codec does no I/O'],
    ['src/codec/a.ts', "import { setTimeout } from 'node:timers/promises';", 'codec does no I/O'],
    ['src/pipeline/a.ts', "import http from 'node:http';", 'pipeline does no I/O'],
    ['src/pipeline/a.ts', "import amqp from 'amqplib/callback_api.js';", 'pipeline does no I/O'],
    ['src/pipeline/a.ts', "import client from 'prom-client';", 'pipeline does no I/O'],
    ['src/codec/a.ts', "const pino = require('pino');", 'codec does no I/O'],
    ['src/attic/a.ts', '', 'the room attic has no rule'],
    ['src/helpers.ts', '', 'the room helpers has no rule'],
  ])('refuse in %s: %s', (path, text, reason) => {
    const found = importViolations([file(path, text)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(reason);
    expect(found[0]).toContain(path);
  });

  it.each([
    [
      'src/codec/a.ts',
      "import { gunzipSync } from 'node:zlib';\nimport { x } from '../domain/x.ts';\nimport { y } from './y.ts';\nimport z from 'lossless-json';",
    ],
    ['src/http/a.ts', "import fastify from 'fastify';\nimport type { LaneStatus } from '../pipeline/ports.ts';"],
    ['src/local/a.ts', "import { spawn } from 'node:child_process';\nimport { definitions } from '../rabbit/topology.ts';"],
    ['src/verify/a.ts', "import { Fleet } from '../../devices/fleet.ts';\nimport { startRabbitNode } from '../local/rabbit-node.ts';"],
    ['src/main.ts', "import { up } from './commands/up.ts';"],
    ['src/commands/a.ts', "import { start } from '../local/start.ts';\nimport { createApp } from '../app.ts';"],
    ['src/domain/a.ts', "// import x from '../rabbit/x.ts';\n/* from 'pino' */\nconst s = 'text';"],
    ['devices/a.ts', "import mqtt from 'mqtt';\nimport { b } from './deep/b.ts';"],
  ])('allow in %s: %s', (path, text) => {
    expect(importViolations([file(path, text)])).toEqual([]);
  });

  it.each([
    ['src/domain/a.ts', 'const t = Date.now();', 'Date.now()'],
    ['src/codec/deep/a.ts', 'const t = new Date();', 'new Date() of now'],
    ['src/codec/a.ts', 'setTimeout(f, 1);', 'a timer'],
    ['src/pipeline/batcher.ts', 'await sink.publish(batch);', 'await'],
    ['src/pipeline/batcher.ts', 'const jitter = Math.random();', 'Math.random()'],
  ])('find the clock in %s: %s', (path, text, what) => {
    expect(timeViolations([file(path, `// one\n${text}\n`)])).toEqual([`${path}:2: ${what}`]);
  });

  it.each([
    ['src/domain/a.ts', "/** as `Date.now()` gives it */\nconst s = 'await setTimeout(';\nconst d = new Date(0); // no await here"],
    ['src/pipeline/lane.ts', 'await sink.publish(batch);'],
  ])('find no clock in %s: %s', (path, text) => {
    expect(timeViolations([file(path, text)])).toEqual([]);
  });

  it.each([
    ['src/pipeline/a.ts', 'channel.ack(message);', 'an ack'],
    ['src/rabbit/letter-walk.ts', 'channel.nack(message);', 'a nack'],
    ['src/rabbit/a.ts', 'this.channel.reject(message, true);', 'a nack'],
  ])('find in %s: %s', (path, text, what) => {
    expect(ackViolations([file(path, text)])).toEqual([expect.stringContaining(`${path}:1: ${what}`) as string]);
  });

  it.each(['node.innerHTML = name;', "document.write('x');", 'eval (text);'])('find markup made of text: %s', (text) => {
    expect(markupViolations([file('src/console/a.ts', `// innerHTML\n${text}\n`), file('src/http/a.ts', text)])).toEqual([
      'src/console/a.ts:2: text becomes markup',
    ]);
  });

  it('find long files, longest first', () => {
    const files = [file('src/a.ts', 'x\n'.repeat(300)), file('src/b.ts', 'x\n'.repeat(301)), file('src/c.ts', 'x\n'.repeat(400))];
    expect(longFiles(files, 300)).toEqual(['src/c.ts: 400 lines, 300 allowed', 'src/b.ts: 301 lines, 300 allowed']);
  });
});
