import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileLayout } from '../../src/domain/layout/compile.ts';
import type { LayoutPlan } from '../../src/domain/layout/plan.ts';
import type { LayoutSpec } from '../../src/domain/layout/spec.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { folderWith } from '../unit/settings/workbench.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What some bytes say with a layout; `values` are null where the layout must refuse them. Made from the vendors' descriptions. */
export interface LayoutVector {
  readonly layout: string;
  readonly port: number;
  readonly hex: string;
  readonly values: Readonly<Record<string, unknown>> | null;
  readonly flags?: readonly string[];
  /** Those that the layout needs. */
  readonly parameters?: Readonly<Record<string, number>>;
}

export const SHIPPED_LAYOUTS: readonly string[] = readdirSync(join(ROOT, 'config/payloads')).map((file) => file.replace(/\.yaml$/, ''));

export function layoutVectors(): LayoutVector[] {
  const folder = join(ROOT, 'test/vectors/payloads');
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LayoutVector),
  );
}

/** Every shipped layout, as settings that name it get it; those that need parameters through a layout that gives them. */
export async function shippedLayouts(): Promise<ReadonlyMap<string, LayoutSpec>> {
  const given = new Map(layoutVectors().flatMap(({ layout, parameters }) => (parameters === undefined ? [] : [[layout, parameters] as const])));
  const own = Object.fromEntries(
    [...given].map(([name, parameters]) => [`own/${name}.yaml`, `name: own-${name}\nextends: ${name}\nparameters: ${JSON.stringify(parameters)}\n`]),
  );
  const used = SHIPPED_LAYOUTS.map((name) => `      ${name}: ${given.has(name) ? `own-${name}` : name}`);
  const settings = `payloadFiles: [own/*.yaml]
profiles:
  - name: all
    topics: [x]
    device: d
    payloadAt: { bytes: $.data, decoded: [$.object] }
    payload:
${used.join('\n')}
exchanges: [{ name: out }]
queues: [{ name: kept, bindings: [{ exchange: out, routingKey: '#' }] }]
routes: [{ name: all, exchange: out }]
`;
  const folder = await folderWith({ ...own, 'settings.yaml': settings });
  const loaded = await loadSettings(join(folder, 'settings.yaml'), {});
  if (!loaded.ok) throw new Error(loaded.problems.map(({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`).join('\n'));
  return new Map(Object.entries(loaded.settings.profiles[0]?.payload ?? {}));
}

export function planOf(spec: LayoutSpec): LayoutPlan {
  const { plan, problems } = compileLayout(spec);
  if (problems.length > 0) throw new Error(problems.map(({ at, message }) => `${at.join('.')}: ${message}`).join('\n'));
  return plan;
}
