import type { Options } from 'amqplib';
import type { KeptMessage } from '../domain/kept-message.ts';
import { RECEIVED_AT_HEADER } from '../domain/message.ts';

/** What the MQTT plugin of this broker version writes into the headers of what devices publish. */
export interface PluginHeaders {
  readonly qos: boolean;
  readonly dup: boolean;
}

/** Up to 3.11 both; 3.12 the quality of service alone; from 3.13 neither (read in RabbitMQ's sources, v3.10.25, v3.13.7). An unknown version writes neither. */
export function pluginHeadersOf(version: string): PluginHeaders {
  const [major, minor] = version.split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major) || Number.isNaN(minor)) return { qos: false, dup: false };
  const older = (m: number): boolean => major < 3 || (major === 3 && minor < m);
  return { qos: older(13), dup: older(12) };
}

/**
 * The properties that the broker's own MQTT plugin would give the message, so that who consumes cannot tell the two ways apart.
 * QoS 2 is the plugin's QoS 1. A late message says in addition when it was received.
 */
export function pluginProperties(message: KeptMessage, writes: PluginHeaders, late: boolean): Options.Publish {
  const headers: Record<string, unknown> = {};
  if (writes.qos) headers['x-mqtt-publish-qos'] = { '!': 'byte', value: Math.min(message.qos, 1) };
  if (writes.dup) headers['x-mqtt-dup'] = message.dup;
  if (late) headers[RECEIVED_AT_HEADER] = message.receivedAt;
  return { headers, deliveryMode: message.qos === 0 ? 1 : 2 };
}
