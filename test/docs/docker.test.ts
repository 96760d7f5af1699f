import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { confLines, PLUGINS } from '../../src/local/rabbit-files.ts';
import { definitionsJson } from '../../src/rabbit/definitions.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { topologyOptions } from '../../src/app/topology-options.ts';
import { compose } from '../support/compose.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DOCKER = join(ROOT, 'docker');
const text = (path: string): string => readFileSync(join(DOCKER, path), 'utf8');

describe('docker/', () => {
  it('has the topology of config/sluice.yaml, and no accounts', async () => {
    const loaded = await loadSettings(join(ROOT, 'config/sluice.yaml'), {});
    const wanted = loaded.ok ? definitionsJson(buildTopology(topologyOptions(loaded.settings)), []) : JSON.stringify(loaded.problems);
    // Made by: sluice topology -c config/sluice.yaml --definitions > docker/rabbitmq/definitions.json
    expect(text('rabbitmq/definitions.json')).toBe(wanted);
    expect((JSON.parse(text('rabbitmq/definitions.json')) as { users: unknown[] }).users).toEqual([]);
  });

  it('runs RabbitMQ with the rules of the private node', () => {
    const lines = text('rabbitmq/rabbitmq.conf').split('\n');
    const rules = confLines('0.0.0.0', { amqp: 5672, mqtt: 1883, webMqtt: 15675, management: 15672, prometheus: 15692 }).filter(
      (line) => !/listeners|tcp\.ip/.test(line),
    );
    expect(lines).toEqual(expect.arrayContaining(rules));
    expect(text('rabbitmq/enabled_plugins')).toBe(`[${PLUGINS.join(',')}].\n`);
  });

  it('gives Prometheus every file that it names, and the services by the names that it asks for', () => {
    const { services } = compose('compose.yaml');
    const { rule_files, scrape_configs } = parse(text('prometheus/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    for (const file of ['prometheus.yml', ...rule_files]) expect(services['prometheus']?.volumes).toContain(`./prometheus/${file}:/etc/prometheus/${file}:ro`);
    const hosts = scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap(({ targets }) => targets.map((target) => target.split(':')[0] ?? '')));
    expect(hosts.filter((host) => !(host in services))).toEqual([]);
    expect(text('grafana/provisioning/datasources/prometheus.yml')).toContain('url: http://prometheus:9090');
  });

  it('makes secrets once, for this user, and writes hashes alone for RabbitMQ', () => {
    const copy = mkdtempSync(join(tmpdir(), 'sluice docker '));
    try {
      cpSync(DOCKER, join(copy, 'docker'), { recursive: true, filter: (path) => !/(\.env|secrets)$/.test(path) });
      // Stands in for the build: says what it was asked.
      mkdirSync(join(copy, 'dist/src'), { recursive: true });
      execFileSync(process.execPath, [
        '-e',
        `require('fs').writeFileSync(${JSON.stringify(join(copy, 'dist/src/main.js'))}, "console.log(JSON.stringify([process.argv.slice(2), process.env.SLUICE_DEVICE_USER, process.env.SLUICE_GATEWAY_PASSWORD.length]))")`,
      ]);
      const script = join(copy, 'docker/secrets.sh');
      execFileSync('sh', [script, 'north'], { stdio: 'pipe' });
      expect(statSync(join(copy, 'docker/.env')).mode & 0o777).toBe(0o600);
      expect(statSync(join(copy, 'docker/secrets')).mode & 0o777).toBe(0o700);
      const env = readFileSync(join(copy, 'docker/.env'), 'utf8');
      const passwords = [...env.matchAll(/_PASSWORD=([A-Za-z0-9_-]{32})$/gm)].map((match) => match[1]);
      expect(new Set(passwords).size).toBe(3);
      expect(JSON.parse(readFileSync(join(copy, 'docker/secrets/accounts.json'), 'utf8'))).toEqual([
        ['topology', '-c', 'config/sluice.yaml', '--definitions'],
        'north',
        32,
      ]);
      expect(readFileSync(join(copy, 'docker/secrets/erlang.cookie'), 'utf8')).toMatch(/^[A-Za-z0-9_-]{32}$/);
      expect(() => execFileSync('sh', [script], { stdio: 'pipe' })).toThrow(/exists already/);
      expect(readFileSync(join(copy, 'docker/.env'), 'utf8')).toBe(env);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
