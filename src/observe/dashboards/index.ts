import { BROKER } from './broker.ts';
import { DEVICES } from './devices.ts';
import { EDGE_BOARD } from './edge.ts';
import type { Dashboard } from './model.ts';
import { OVERVIEW } from './overview.ts';
import { ROUTES } from './routes.ts';

/** Every dashboard of docker/grafana/dashboards, which is written from these. */
export const DASHBOARDS: readonly Dashboard[] = [OVERVIEW, ROUTES, DEVICES, BROKER, EDGE_BOARD];
