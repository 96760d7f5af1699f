import type { EpochMs } from './message.ts';

/**
 * One PUBLISH of a device, as the edge keeps it. `payload` is owned by the holder: the MQTT parser hands out views on its
 * socket buffer, so the listener copies before it builds this object.
 */
export interface KeptMessage {
  /** As the device wrote it; at most 65 535 UTF-8 bytes (MQTT-3.3.2-1), no wildcards. */
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** The DUP flag of the packet (MQTT 3.3.1.1): an earlier copy may have been kept as well. */
  readonly dup: boolean;
  /** Client identifier of the connection; empty for what the edge publishes by itself. */
  readonly clientId: string;
  /** When the edge got it. */
  readonly receivedAt: EpochMs;
}
