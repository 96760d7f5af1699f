import type { Settings } from '../settings/load.ts';
import type { DirectEdge, DirectEdgeOptions } from './direct-edge.ts';

export type MakeDirectEdge = (options: DirectEdgeOptions) => DirectEdge;

/**
 * How to make the edge of a gateway that takes messages of devices itself (`edge.mode: direct`); undefined where the settings ask for
 * none. Its modules, aedes among them, are loaded only where it is asked for: every start would wait for them.
 */
export async function directEdgeOf(settings: Settings): Promise<MakeDirectEdge | undefined> {
  if (settings.edge.mode !== 'direct') return undefined;
  const { DirectEdge } = await import('./direct-edge.ts');
  return (options) => new DirectEdge(options);
}
