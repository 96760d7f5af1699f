import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
export const KUBERNETES = join(ROOT, 'docker', 'kubernetes');
const MODULES = join(ROOT, 'node_modules');

export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // Manifests are read by path; schemas are checked apart.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [key: string]: any;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
}

export const text = (path: string): string => readFileSync(join(KUBERNETES, path), 'utf8');

/** Every resource that `kubectl apply -k` of a folder below docker/kubernetes would apply; ConfigMaps by the name that others call them. */
export function resourcesOf(folder: string): Resource[] {
  const { resources = [], components = [], configMapGenerator = [] } = parse(text(join(folder, 'kustomization.yaml'))) as Kustomization;
  const inside = [...resources, ...components].flatMap((name) => {
    const path = join(folder, name);
    return name.endsWith('.yaml') ? parseAllDocuments(text(path)).map((one) => one.toJS() as Resource) : resourcesOf(path);
  });
  const made = configMapGenerator.map(({ name, files }) => {
    const data = Object.fromEntries(files.map((file) => [file, text(join(folder, file))]));
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  });
  return [...inside, ...made];
}

/** What a declaration of kubernetes-models says of one type: its keys, and where the types of their values are declared. */
interface Shape {
  readonly keys: ReadonlyMap<string, { readonly required: boolean; readonly type: string }>;
  readonly imports: ReadonlyMap<string, string>;
}

const shapes = new Map<string, Shape>();

function shapeOf(file: string): Shape {
  const known = shapes.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(file, 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
  const imports = new Map<string, string>();
  for (const [, names = '', from = ''] of source.matchAll(/^import \{ ([^}]+) \} from "([^"]+)";$/gm))
    for (const name of names.split(', ')) imports.set(name, from.startsWith('.') ? join(dirname(file), from) : join(MODULES, from));
  const [, body = ''] = /^export interface \w+(?: extends \w+)? \{\n([\s\S]*?)^\}/m.exec(source) ?? [];
  const keys = new Map(
    [...body.matchAll(/^ {4}"([^"]+)"(\??): ([^;]*(?:\{[^}]*\})?);$/gm)].map(([, key = '', mark, type = '']) => [key, { required: mark === '', type }]),
  );
  const shape = { keys, imports };
  shapes.set(file, shape);
  return shape;
}

/** The file that declares a kind; undefined where Kubernetes itself has no such kind. */
function declarationOf({ apiVersion, kind }: Resource): string | undefined {
  const file = join(MODULES, 'kubernetes-models', apiVersion, `${kind}.d.ts`);
  return existsSync(file) ? file : undefined;
}

/** Keys that Kubernetes does not know, words that it does not take, and keys that it misses. */
export function strangeKeys(value: unknown, file: string, path = ''): string[] {
  const { keys, imports } = shapeOf(file);
  // A type without keys of its own (quantities, times, port names) is a scalar.
  if (keys.size === 0 || typeof value !== 'object' || value === null) return [];
  const missing = [...keys].filter(([key, { required }]) => required && !(key in value)).map(([key]) => `${path}.${key} is missing`);
  return [
    ...missing,
    ...Object.entries(value).flatMap(([key, inner]) => {
      const here = `${path}.${key}`;
      const type = keys.get(key)?.type;
      if (type === undefined) return [`${here} is not known`];
      if (typeof inner === 'string' && type.startsWith('"') && !type.split(' | ').includes(JSON.stringify(inner))) return [`${here} cannot be ${inner}`];
      const next = /\bI\w+/.exec(type)?.[0];
      const declared = next === undefined ? undefined : imports.get(next);
      if (declared === undefined) return [];
      const many = type.startsWith('Array<') ? (inner as unknown[]) : type.startsWith('{') ? Object.values(inner as object) : [inner];
      return many.flatMap((one, index) => strangeKeys(one, `${declared}.d.ts`, type.startsWith('Array<') ? `${here}[${index}]` : here));
    }),
  ];
}

/** The same for a whole resource of Kubernetes itself; undefined for one of an operator. */
export function unknownKeys(resource: Resource): string[] | undefined {
  const file = declarationOf(resource);
  return file === undefined ? undefined : strangeKeys(resource, file);
}

/** What the declarations do not say, numbers for numbers: by the validators of the same package. */
export async function invalid(resource: Resource): Promise<string | undefined> {
  const module = (await import(join(MODULES, 'kubernetes-models', resource.apiVersion, `${resource.kind}.js`))) as {
    default?: Record<string, new (data: object) => { validate(): void }>;
  } & Record<string, new (data: object) => { validate(): void }>;
  const Model = (module.default ?? module)[resource.kind];
  if (Model === undefined) return `no model of ${resource.kind}`;
  try {
    new Model(resource).validate();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The part of an operator's schema that is used here, by its own documentation; anything else is a mistake or a reason to add to it. */
const object = (properties: object, required: readonly string[] = []): object => ({ type: 'object', properties, required, additionalProperties: false });
const list = (items: object): object => ({ type: 'array', items });
const words = { type: 'object', additionalProperties: { type: 'string' } };
const string = { type: 'string' };
const selector = object({ matchLabels: words });
const whole = { type: 'integer', minimum: 0 };
const endpoint = object(
  {
    port: string,
    path: string,
    interval: { type: 'string', pattern: '^\\d+(ms|s|m)$' },
    params: { type: 'object', additionalProperties: list(string) },
    relabelings: list({ $ref: '#/$defs/relabel' }),
    metricRelabelings: list({ $ref: '#/$defs/relabel' }),
  },
  ['port'],
);
const rule = object({ record: string, alert: string, expr: string, for: string, labels: words, annotations: words }, ['expr']);

const SPECS: Readonly<Record<string, object>> = {
  'rabbitmq.com/v1beta1/RabbitmqCluster': object(
    {
      replicas: whole,
      image: string,
      terminationGracePeriodSeconds: whole,
      resources: { type: 'object' },
      persistence: object({ storage: string, storageClassName: string }),
      rabbitmq: object({ additionalPlugins: list({ type: 'string', pattern: '^rabbitmq_\\w+$' }), additionalConfig: string }),
      affinity: { type: 'object' },
      override: object({ statefulSet: object({ spec: object({ template: object({ spec: { type: 'object' } }) }) }) }),
    },
    ['replicas'],
  ),
  'monitoring.coreos.com/v1/ServiceMonitor': object({ selector, endpoints: list(endpoint) }, ['selector', 'endpoints']),
  'monitoring.coreos.com/v1/PrometheusRule': object({ groups: list(object({ name: string, rules: list(rule) }, ['name'])) }),
  'keda.sh/v1alpha1/ScaledObject': object(
    {
      scaleTargetRef: object({ name: string, kind: string }, ['name']),
      minReplicaCount: whole,
      maxReplicaCount: whole,
      pollingInterval: whole,
      cooldownPeriod: whole,
      triggers: list(object({ type: string, metadata: words, authenticationRef: object({ name: string }, ['name']) }, ['type', 'metadata'])),
    },
    ['scaleTargetRef', 'triggers'],
  ),
  'keda.sh/v1alpha1/TriggerAuthentication': object({
    secretTargetRef: list(object({ parameter: string, name: string, key: string }, ['parameter', 'name', 'key'])),
  }),
};

/** JSON Schema of an operator's resource. */
export function operatorSchema({ apiVersion, kind }: Resource): object | undefined {
  const spec = SPECS[`${apiVersion}/${kind}`];
  if (spec === undefined) return undefined;
  const relabel = object({
    sourceLabels: list(string),
    targetLabel: string,
    replacement: string,
    regex: string,
    action: { enum: ['keep', 'drop', 'replace'] },
  });
  return {
    ...object({ apiVersion: string, kind: string, metadata: object({ name: string, labels: words }, ['name']), spec }, ['metadata', 'spec']),
    $defs: { relabel },
  };
}
