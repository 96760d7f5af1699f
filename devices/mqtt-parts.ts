import { Store } from 'mqtt';
import type { IClientOptions } from 'mqtt';

/** MQTT.js asks for packet identifiers here; ours are chosen before `publish` is called and outlive the client. */
export class ChosenIds implements NonNullable<IClientOptions['messageIdProvider']> {
  id = 1;
  allocate = (): number => this.id;
  getLastAllocated = (): number => this.id;
  register = (): boolean => true;
  deallocate = (): void => {};
  clear = (): void => {};
}

/**
 * Keeps nothing. MQTT.js copies each QoS 1 message into its store, to re-send it on its own reconnect, one by one and
 * without DUP. What is not acknowledged is kept by `Connection`, once.
 */
export class EmptyStore extends Store {
  override put(_packet: unknown, done: () => void): this {
    done();
    return this;
  }
  override del(packet: { messageId?: number }, done: (error?: Error, packet?: never) => void): this {
    done(undefined, packet as never);
    return this;
  }
  override close(done: () => void): void {
    done();
  }
}

/** One line for a person. Errors of several addresses (localhost is two) hide their text in `errors`. */
export function describe(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const text = first instanceof Error ? first.message || first.name : String(first);
  return text.replaceAll(/\s+/g, ' ');
}
