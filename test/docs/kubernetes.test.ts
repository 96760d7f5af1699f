import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { PLUGINS } from '../../src/local/rabbit-files.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { DOCKER } from '../support/compose.ts';
import { properties, stages } from '../support/image.ts';
import { invalid, KUBERNETES, operatorSchema, type Resource, resourcesOf, strangeKeys, text, unknownKeys } from '../support/kubernetes.ts';

const ROOT = join(DOCKER, '..');
const ALL = resourcesOf('.');
const SCALING = resourcesOf('autoscaling');
const EVERY = [...ALL, ...SCALING];
const titles = EVERY.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const);

const of = (kind: string, name?: string): Resource => {
  const found = EVERY.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  if (found === undefined) throw new Error(`no ${kind} ${name ?? ''}`);
  return found;
};
const pod = of('Deployment')['spec'].template.spec;
const container = pod.containers[0];
const podLabels = of('Deployment')['spec'].template.metadata.labels as Record<string, string>;
const within = (part: Record<string, string>, all: Record<string, string>): boolean => Object.entries(part).every(([key, value]) => all[key] === value);

/** What stands in a generated file; with UPDATE_DOCS=1 it is written first. */
function generated(path: string, wanted: string): string {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(join(KUBERNETES, path), wanted);
  return text(path);
}

describe('docker/kubernetes', () => {
  it.each(titles)('%s fits its schema', async (_, resource) => {
    const unknown = unknownKeys(resource);
    const schema = operatorSchema(resource);
    const ajv = new Ajv({ strict: false, allErrors: true });
    const problems = unknown === undefined ? (schema === undefined ? ['no schema'] : ajv.validate(schema, resource) ? [] : ajv.errors) : unknown;
    expect(problems).toEqual([]);
    expect(unknown === undefined ? undefined : await invalid(resource)).toBeUndefined();
  });

  it('would not pass with a key or a word that does not exist, or a text for a number', async () => {
    const deployment = of('Deployment');
    const changed = (change: (copy: Resource) => void): Resource => {
      const copy = structuredClone(deployment);
      change(copy);
      return copy;
    };
    expect(unknownKeys(changed((copy) => (copy['spec'].template.spec.containers[0].livenesProbe = {})))).toEqual([
      '.spec.template.spec.containers[0].livenesProbe is not known',
    ]);
    expect(unknownKeys(changed((copy) => (copy['spec'].strategy.type = 'Rolling')))).toEqual(['.spec.strategy.type cannot be Rolling']);
    expect(unknownKeys(changed((copy) => delete copy['spec'].selector))).toEqual(['.spec.selector is missing']);
    expect(await invalid(changed((copy) => (copy['spec'].replicas = 'two')))).toContain('integer');
  });

  it('has a pod template for the broker that Kubernetes knows', () => {
    const { affinity, override, resources } = of('RabbitmqCluster')['spec'];
    const v1 = (name: string): string => join(ROOT, 'node_modules/kubernetes-models/v1', `${name}.d.ts`);
    expect(strangeKeys(affinity, v1('Affinity'))).toEqual([]);
    expect(strangeKeys(resources, v1('ResourceRequirements'))).toEqual([]);
    expect(strangeKeys(override.statefulSet.spec.template.spec, v1('PodSpec'))).toEqual([]);
  });

  it('has the settings of config/sluice.yaml and the rules of docker/prometheus', () => {
    const command = 'UPDATE_DOCS=1 npx vitest run --project unit test/docs/kubernetes.test.ts rewrites it.';
    const [, ...settings] = readFileSync(join(ROOT, 'config/sluice.yaml'), 'utf8').split('\n');
    const copy = [`# Copied from config/sluice.yaml; ${command}`, ...settings].join('\n');
    expect(generated('gateway/sluice.yaml', copy)).toBe(copy);
    const groups = ['recording.yml', 'alerts.yml'].flatMap(
      (file) => (parse(readFileSync(join(DOCKER, 'prometheus', file), 'utf8')) as { groups: unknown[] }).groups,
    );
    const metadata = { name: 'sluice', labels: { 'app.kubernetes.io/name': 'sluice' } };
    const rules = stringify({ apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata, spec: { groups } }, { lineWidth: 0 });
    const made = `# Made of docker/prometheus/recording.yml and alerts.yml; ${command}\n${rules}`;
    expect(generated('monitoring/rules.yaml', made)).toBe(made);
  });

  it('configures the broker as docker/rabbitmq does, but for what the operator sets', () => {
    const lines = (file: string): string[] => file.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const { rabbitmq, replicas, image } = of('RabbitmqCluster')['spec'];
    const own = lines(rabbitmq.additionalConfig as string);
    const shipped = ['rabbitmq.conf', 'cluster.conf'].flatMap((file) => lines(readFileSync(join(DOCKER, 'rabbitmq', file), 'utf8')));
    expect(own.filter((line) => !shipped.includes(line))).toEqual(['load_definitions = /etc/sluice/definitions']);
    expect(own).toEqual(expect.arrayContaining(['mqtt.allow_anonymous = false', 'mqtt.exchange = amq.topic']));
    // The operator itself enables management, prometheus, and the discovery of peers.
    expect(PLUGINS.filter((name) => !rabbitmq.additionalPlugins.includes(name))).toEqual(['rabbitmq_management', 'rabbitmq_prometheus']);
    expect(replicas).toBe(3);
    expect(image).toBe(
      (parse(readFileSync(join(DOCKER, 'compose.yaml'), 'utf8'), { merge: true }) as { services: { rabbitmq: { image: string } } }).services.rabbitmq.image,
    );
  });

  it('pins images, bounds what a pod may use, and keeps to the restricted profile', () => {
    const { images } = parse(text('kustomization.yaml')) as { images: { name: string; newTag: string }[] };
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(images.map(({ name, newTag }) => [name, newTag])).toEqual([[container.image, version]]);
    for (const { requests, limits } of [container.resources, of('RabbitmqCluster')['spec'].resources])
      expect([requests, limits].map((one: object) => Object.keys(one))).toEqual([
        ['cpu', 'memory'],
        ['cpu', 'memory'],
      ]);
    // Pod Security Standards, "restricted", and a root file system that nobody writes.
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    expect(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`).toBe('65532:65532');
    expect(pod.automountServiceAccountToken).toBe(false);
    const writable = container.volumeMounts.filter((one: { readOnly?: boolean }) => one.readOnly !== true);
    expect(writable.map((one: { mountPath: string }) => one.mountPath)).toEqual([properties(stages().at(-1) as never, 'ENV')['SLUICE_STATE_DIR']]);
  });

  it('gives the drain its time, and restarts only what does not live', async () => {
    const loaded = await loadSettings(join(KUBERNETES, 'gateway/sluice.yaml'), { SLUICE_NAME: 'sluice-7d9f8b6c5d-x2x4z' });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(loaded.settings.gateway.drainSeconds + 5);
    expect(container.livenessProbe.httpGet.path).toBe('/livez');
    expect(container.startupProbe.httpGet.path).toBe('/livez');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(of('Service')['spec'].publishNotReadyAddresses).toBe(true);
    expect(of('Deployment')['spec'].replicas).toBeGreaterThan(of('PodDisruptionBudget')['spec'].minAvailable);
    // More replicas make nothing faster while one consumer is active; autoscaling is for those who gave that up.
    expect(loaded.settings.source.singleActiveConsumer).toBe(true);
    expect(ALL.map(({ kind }) => kind)).not.toContain('ScaledObject');
    expect(text('autoscaling/kustomization.yaml')).toContain('singleActiveConsumer: false');
    expect(of('ScaledObject')['spec']).toMatchObject({
      scaleTargetRef: { name: of('Deployment').metadata.name },
      triggers: [{ metadata: { queueName: loaded.settings.source.queue } }],
    });
  });

  it('refers only to what is there', () => {
    const ports = container.ports.map((one: { name: string }) => one.name);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) expect(ports).toContain(container[probe].httpGet.port);
    expect(of('Service')['spec'].ports.map((one: { targetPort: string }) => one.targetPort)).toEqual(ports);
    expect(of('ServiceAccount').metadata.name).toBe(pod.serviceAccountName);
    for (const { name } of container.volumeMounts) expect(pod.volumes.map((one: { name: string }) => one.name)).toContain(name);
    const maps = pod.volumes.flatMap((one: { configMap?: { name: string } }) => (one.configMap === undefined ? [] : [one.configMap.name]));
    expect(maps).toEqual([of('ConfigMap').metadata.name]);
    expect(container.args[2]).toBe(`${container.volumeMounts[0].mountPath}/${Object.keys(of('ConfigMap')['data'] as object)[0]}`);
    // Labels: each selector finds the pods that it means.
    for (const selector of [
      of('Service')['spec'].selector,
      of('Deployment')['spec'].selector.matchLabels,
      of('PodDisruptionBudget')['spec'].selector.matchLabels,
    ])
      expect(within(selector as Record<string, string>, podLabels)).toBe(true);
    expect(within(of('ServiceMonitor', 'sluice')['spec'].selector.matchLabels, of('Service').metadata.labels ?? {})).toBe(true);
    expect(of('ServiceMonitor', 'sluice')['spec'].endpoints[0].port).toBe(of('Service')['spec'].ports[0].name);
    // The names of jobs, which rules and dashboards go by.
    expect([of('Service').metadata.name, of('RabbitmqCluster').metadata.name]).toEqual(['sluice', 'rabbitmq']);
    // Variables in another one's value must stand before it.
    const names = container.env.map((one: { name: string }) => one.name);
    const url = container.env.find((one: { name: string }) => one.name === 'SLUICE_AMQP_URL').value as string;
    expect(names.indexOf('SLUICE_GATEWAY_PASSWORD')).toBeLessThan(names.indexOf('SLUICE_AMQP_URL'));
    expect(new URL(url).hostname).toBe(of('RabbitmqCluster').metadata.name);
  });

  it('names the secrets that the documentation makes', () => {
    const page = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8');
    const gateway = container.env.flatMap((one: { valueFrom?: { secretKeyRef?: { name: string; key: string } } }) => one.valueFrom?.secretKeyRef ?? []);
    const keda = of('TriggerAuthentication')['spec'].secretTargetRef as { name: string; key: string }[];
    for (const { name, key } of [...gateway, ...keda]) expect(page).toMatch(new RegExp(`create secret generic ${name} .*--from-literal=${key}=`));
    const mounted = of('RabbitmqCluster')['spec'].override.statefulSet.spec.template.spec.volumes[0].secret.secretName as string;
    expect(page).toMatch(new RegExp(`create secret generic ${mounted} `));
  });

  it('lets through on the network what is needed, and no more', () => {
    const gateway = of('NetworkPolicy', 'sluice')['spec'];
    expect(within(gateway.podSelector.matchLabels, podLabels)).toBe(true);
    expect(gateway.policyTypes).toEqual(['Ingress', 'Egress']);
    const numbers = (rules: { ports: { port: number | string }[] }[]): (number | string)[] => rules.flatMap(({ ports }) => ports.map(({ port }) => port));
    expect(numbers(gateway.ingress)).toEqual(['http']);
    expect(numbers(gateway.egress)).toEqual([5672, 15672, 53, 53]);
    const broker = of('NetworkPolicy', 'rabbitmq')['spec'].ingress as { from?: unknown[]; ports: { port: number }[] }[];
    // Only devices' ports are open to everybody.
    expect(numbers(broker.filter(({ from }) => from === undefined))).toEqual([1883, 15675]);
  });

  const kubectl = ((): boolean => {
    try {
      execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore', timeout: 30_000 });
      return true;
    } catch {
      return false;
    }
  })();

  it.skipIf(!kubectl).each(['.', 'gateway', 'rabbitmq'])('is put together by kubectl kustomize (%s)', { timeout: 120_000 }, (folder) => {
    const output = execFileSync('kubectl', ['kustomize', join(KUBERNETES, folder)], { encoding: 'utf8', timeout: 60_000 });
    const made = parseAllDocuments(output).map((one) => one.toJS() as Resource);
    const names = (some: readonly Resource[]): string[] => some.map(({ kind, metadata }) => `${kind} ${metadata.name.replace(/-[0-9a-z]{10}$/, '')}`).sort();
    expect(names(made)).toEqual(names(resourcesOf(folder)));
  });
});
