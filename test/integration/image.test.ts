import { execFile, execFileSync, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePorts } from '../../src/local/ports.ts';
import { execForm, inContext, inventory, layOut, properties, stages } from '../support/image.ts';
import { Management, soon, until } from '../support/rabbit.ts';

// docker/Dockerfile without an engine: its COPY and RUN lines are carried out in folders, and what would be the image runs
// there, by the ENTRYPOINT of the Dockerfile, on this machine's Node.js. What is missing in the image is missing here.

const ROOT = join(import.meta.dirname, '..', '..');
const broker = inject('broker');
const STAGES = stages();
const image = STAGES.at(-1) as (typeof STAGES)[number];
const USER = 65532;
const VHOST = 'image';

let work: string;
/** Stands for `/` of the image. */
let root: string;
let app: string;
let env: NodeJS.ProcessEnv;

/** As root the user of the image, if it can get at Node.js: root may write anywhere. */
function asUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const user = { uid: USER, gid: USER };
    execFileSync(process.execPath, ['--version'], { ...user, cwd: '/', stdio: 'ignore' });
    return user;
  } catch {
    return undefined;
  }
}
const user = asUser();

/** The program of the image with these words behind its entrypoint, in a tree that cannot be written. */
async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [, ...entry] = execForm(image, 'ENTRYPOINT');
  return await new Promise((resolve) => {
    execFile(process.execPath, [...entry, ...args], { cwd: app, env, timeout: 60_000, ...user }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function healthy(): Promise<boolean> {
  const [, ...args] = execForm(image, 'HEALTHCHECK');
  return await new Promise((resolve) => execFile(process.execPath, args, { cwd: app, env, timeout: 20_000, ...user }, (error) => resolve(error === null)));
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  chmodSync(work, 0o755);
  root = layOut(work);
  app = join(root, 'app');
  const state = join(root, 'var/lib/sluice');
  // As `docker run --read-only` with a volume for the state.
  execFileSync('chmod', ['-R', 'a-w,a+rX', app]);
  if (user !== undefined) execFileSync('chown', [`${USER}:${USER}`, state]);
  env = { ...properties(image, 'ENV'), SLUICE_STATE_DIR: state, SLUICE_HTTP_HOST: '127.0.0.1' };
}, 300_000);

afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', work]);
  rmSync(work, { recursive: true, force: true });
});

describe('what is sent to the engine', () => {
  it.each(['docker/secrets/accounts.json', 'docker/.env', '.git/config', '.sluice/accounts.json', 'node_modules/x/index.js', 'test/x.ts', 'src/.env'])(
    'leaves out %s',
    (path) => {
      expect(inContext(path)).toBe(false);
    },
  );
  it.each(['src/main.ts', 'config/profiles/tasmota.yaml', 'LICENSE'])('has %s', (path) => expect(inContext(path)).toBe(true));
});

describe('the image', () => {
  it('holds the program and nothing for development', () => {
    expect(readdirSync(app).sort()).toEqual(['LICENSE', 'config', 'dist', 'node_modules', 'package.json']);
    for (const name of ['typescript', 'vitest', '@biomejs', 'oxlint', 'kubernetes-models'])
      expect({ name, there: existsSync(join(app, 'node_modules', name)) }).toEqual({ name, there: false });
    // The last stage has another libc than the one that they would be built with.
    expect(readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.node'))).toEqual([]);
  });

  // Root may write anywhere; then the inventory below tells.
  it.skipIf(process.getuid?.() === 0)('cannot be written', () => {
    expect(() => accessSync(app, constants.W_OK)).toThrow(/EACCES/);
  });

  it('knows its version, its profiles, and how to make accounts', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `sluice ${version}\n` });
    expect(properties(image, 'LABEL')['org.opencontainers.image.version']).toBe(version);
    expect(await run(['check', 'config/all-profiles.yaml'])).toMatchObject({ code: 0 });
    expect(await run(['test', 'config/tests/all-profiles.yaml'])).toMatchObject({ code: 0 });
    // As docker/secrets.sh calls it where nothing is built.
    expect(await run(['topology', '-c', 'config/sluice.yaml', '--definitions'])).toMatchObject({
      code: 0,
      stdout: readFileSync(join(ROOT, 'docker/rabbitmq/definitions.json'), 'utf8'),
    });
    expect(await run(['simulate', '--help'])).toMatchObject({ code: 0 });
  });

  it.skipIf(broker.kind === 'external')('runs by its own command in a tree that it cannot write, is healthy, and drains on SIGTERM', async () => {
    const management = new Management(broker);
    await management.request('PUT', `vhosts/${VHOST}`, {});
    for (const { name } of [broker.users.gateway, broker.users.admin])
      await management.request('PUT', `permissions/${VHOST}/${name}`, { configure: '.*', write: '.*', read: '.*' });
    const before = inventory(app);
    const { management: port } = await freePorts();
    env = { ...env, SLUICE_AMQP_URL: `${broker.amqpUrl}/${VHOST}`, SLUICE_HTTP_PORT: String(port) };
    expect(await healthy()).toBe(false);
    const [, ...entry] = execForm(image, 'ENTRYPOINT');
    mkdirSync(join(work, 'tmp'), { recursive: true });
    const gateway = spawn(process.execPath, [...entry, ...execForm(image, 'CMD')], { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'], ...user });
    const kill = (): void => void gateway.kill('SIGKILL');
    process.once('exit', kill);
    let output = '';
    for (const stream of [gateway.stdout, gateway.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => gateway.once('exit', resolve));
    try {
      const page = async (path: string): Promise<Response> => await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) });
      await until('the gateway is ready', async () => gateway.exitCode !== null || (await page('/readyz').catch(() => undefined))?.ok === true, 60_000);
      expect({ code: gateway.exitCode, output }).toMatchObject({ code: null });
      expect(await healthy()).toBe(true);
      const connection = await connect(`${broker.adminUrl}/${VHOST}`);
      const channel = await connection.createConfirmChannel();
      channel.publish('amq.topic', 'devices.plant-1.bench.telemetry', Buffer.from('{"values":{"temperature":21.5}}'), { deliveryMode: 2 });
      await channel.waitForConfirms();
      await until('the reading is in its queue', async () => (await channel.checkQueue('sluice.out.readings')).messageCount > 0, 20_000);
      await connection.close();
      // Each line is JSON, as the CMD asks for.
      expect(
        output
          .trim()
          .split('\n')
          .map((line) => typeof JSON.parse(line)),
      ).not.toContain('string');
      gateway.kill('SIGTERM');
      expect(await soon('the end of the gateway', ended, 30_000)).toBe(0);
      expect(await healthy()).toBe(false);
      expect(inventory(app)).toEqual(before);
    } finally {
      kill();
      process.removeListener('exit', kill);
      await management.request('DELETE', `vhosts/${VHOST}`);
    }
  });
});
