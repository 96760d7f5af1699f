import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const FOLDER = join(import.meta.dirname, '..', '..', 'docker', 'grafana', 'dashboards');

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly thresholds?: { readonly steps: readonly { readonly value: number | null }[] } };
  };
}

export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[] };
  readonly panels: readonly PanelJson[];
}

/** The dashboards as they are shipped, not as they are made. */
export function shippedDashboards(): { readonly file: string; readonly json: DashboardJson }[] {
  return readdirSync(FOLDER)
    .sort()
    .map((file) => ({ file, json: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as DashboardJson }));
}

/** The panels that show something. */
export function panelsOf({ panels }: DashboardJson): PanelJson[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** Each query with the place where it stands. */
export function queriesOf(dashboard: DashboardJson): { readonly where: string; readonly expr: string }[] {
  return panelsOf(dashboard).flatMap(({ title, targets = [] }) => targets.map(({ refId, expr }) => ({ where: `${dashboard.uid}: ${title} ${refId}`, expr })));
}
