import { sharedVhost } from '../domain/broker-url.ts';
import type { Observer } from '../domain/events.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { BindingWatch } from '../rabbit/binding-watch.ts';
import { readBindings } from '../rabbit/management.ts';
import { Rebinder } from '../rabbit/rebinder.ts';
import type { Session } from '../rabbit/session.ts';
import type { Topology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';

/** Between two turns. A lost binding is seen within twice that. */
const EVERY_MS = 5000;
/** For one answer, of the management API or of the broker. */
const ANSWER_MS = 3000;

export interface IngestBindingsOptions {
  readonly settings: Settings;
  readonly topology: Topology;
  /** The consuming one: a block of publishers does not reach it. */
  readonly session: Session;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
}

/** The watch over the binding of the ingest queue, as far as the settings allow it to look and to mend. */
export function ingestBindings({ settings, topology, session, scheduler, observer }: IngestBindingsOptions): BindingWatch {
  const { queue } = settings.source;
  const { management } = settings.rabbitmq;
  const wanted = topology.bindings.filter((binding) => binding.queue === queue);
  const rebinder = new Rebinder(wanted, ANSWER_MS, scheduler);
  const bind = async (): Promise<string | undefined> => {
    const connection = session.current;
    return connection === undefined ? 'there is no connection' : await rebinder.bind(connection);
  };
  return new BindingWatch({
    queue,
    wanted,
    look: management === undefined ? undefined : async () => await readBindings(management, sharedVhost(settings.rabbitmq.urls), queue, ANSWER_MS),
    bind: wanted.length === 0 ? undefined : bind,
    connected: () => session.current?.lost === false,
    scheduler,
    observer,
    everyMs: EVERY_MS,
  });
}
