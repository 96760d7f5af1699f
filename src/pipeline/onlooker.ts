import type { InboundMessage } from '../domain/message.ts';
import type { DeviceRegistry } from './device-registry.ts';
import type { Normalised } from './normaliser.ts';
import type { DeadLetter } from './ports.ts';
import type { Routing } from './router.ts';
import type { TapHub } from './tap-hub.ts';

/**
 * Sees what becomes of messages, and changes nothing of it. Called synchronously on the way of each message: it must not
 * throw, may not keep a message, and costs nearly nothing while nobody looks.
 */
export interface Onlooker {
  /**
   * One message, once it is known where its parts go. `routings` and `texts` go with the readings of `result` and are
   * empty for everything else; a text is the reading in wire format (UTF-8), where it was made anyway.
   */
  saw(message: InboundMessage, result: Normalised, routings: readonly Routing[], texts: readonly (Uint8Array | undefined)[]): void;
  /** A dead letter has been confirmed, at whatever stage it failed. */
  buried(letter: DeadLetter): void;
}

/** The onlookers of a gateway: the registry of devices, always; taps, where somebody has opened one. `onTrouble` hears of a bug of theirs, once. */
export function watchMessages(devices: DeviceRegistry, taps: TapHub, onTrouble: (error: unknown) => void): Onlooker {
  let troubled = false;
  const trouble = (error: unknown): void => {
    if (!troubled) onTrouble(error);
    troubled = true;
  };
  return {
    // What only looks may not stop what it looks at, not even by a bug.
    saw: (message, result, routings, texts) => {
      try {
        devices.saw(message, result, texts);
        if (taps.size > 0) taps.saw(message, result, routings, texts);
      } catch (error) {
        trouble(error);
      }
    },
    buried: (letter) => {
      try {
        devices.buried(letter);
      } catch (error) {
        trouble(error);
      }
    },
  };
}
