import { DeviceRegistry } from '../pipeline/device-registry.ts';
import { Explainer } from '../pipeline/explainer.ts';
import { type Onlooker, watchMessages } from '../pipeline/onlooker.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { TapHub } from '../pipeline/tap-hub.ts';
import type { Settings } from '../settings/load.ts';

/** What looks at messages as they pass, and what can be asked about them. */
export interface GatewayWatch {
  readonly devices: DeviceRegistry;
  readonly taps: TapHub;
  readonly explainer: Explainer;
  readonly onlooker: Onlooker;
}

/** Nothing of it is started or closed: it is only ever called. */
export function gatewayWatch(settings: Settings, scheduler: Scheduler, logger: { error(fields: object, message: string): void }): GatewayWatch {
  const devices = new DeviceRegistry(settings.devices);
  const explainer = new Explainer(settings);
  const taps = new TapHub({
    monotonic: () => scheduler.monotonic(),
    deviceOf: (topic) => devices.ownerOf(topic)?.device,
    profileOf: (topic) => explainer.profileOf(topic),
  });
  const onTrouble = (error: unknown): void =>
    logger.error({ err: error }, 'a bug of ours in what looks at messages: /api/devices and taps may be wrong, nothing else is');
  return { devices, taps, explainer, onlooker: watchMessages(devices, taps, onTrouble) };
}
