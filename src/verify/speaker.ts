import { connectAsync, type MqttClient } from 'mqtt';
import { Device, type Message } from '../../devices/device.ts';
import { LedgerWriter } from '../../devices/ledger.ts';
import { profileOf } from '../../devices/profiles/index.ts';
import type { Field } from './field.ts';

/** Publishes what a well-behaved fleet never would, and keeps a ledger of it all the same. */
export class Speaker {
  private readonly field: Field;
  private readonly client: MqttClient;
  private readonly ledger: LedgerWriter;
  private readonly name: string;
  private readonly devices = new Map<number, Device>();

  private constructor(field: Field, client: MqttClient, ledger: LedgerWriter, name: string) {
    this.field = field;
    this.client = client;
    this.ledger = ledger;
    this.name = name;
  }

  /** `name`: of its devices, unlike those of any other speaker or fleet of the run. */
  static async open(field: Field, name: string): Promise<Speaker> {
    const { door } = field.parts;
    const client = await connectAsync([door.mqttUrl ?? door.wsUrl].flat()[0] ?? '', {
      protocolVersion: 4,
      clientId: `${door.site}-${door.prefix}${name}`,
      clean: false,
      reconnectPeriod: 500,
      ...(door.username === undefined ? {} : { username: door.username }),
      ...(door.password === undefined ? {} : { password: door.password }),
    });
    client.on('error', () => {});
    return new Speaker(field, client, new LedgerWriter(field.ledger(name)), name);
  }

  topic(device: number): string {
    const { site, prefix } = this.field.parts.door;
    return `devices/${site}/${prefix}${this.name}-${device}/telemetry`;
  }

  /** The next message of a device, with an audit mark. */
  reading(device: number): Message {
    let one = this.devices.get(device);
    const profile = profileOf('thermostat');
    if (profile === undefined) throw new Error('the simulator has no thermostat any more');
    if (one === undefined) {
      const { site, prefix } = this.field.parts.door;
      one = new Device(profile, this.field.parts.seed, undefined, { site, name: `${prefix}${this.name}-${device}`, qos: 1, audit: true, firstSeq: 1 });
      this.devices.set(device, one);
    }
    const message = one.next(Date.now());
    if (message === undefined) throw new Error('a sound device was silent');
    return message;
  }

  /** With QoS 1, `times` times behind each other, all but the first with DUP; in the ledger it is one message. Resolves with the last PUBACK. */
  async send(message: Message, { retain = false, times = 1 } = {}): Promise<void> {
    this.ledger.attempted(message);
    const { topic, payload, seq } = message;
    await Promise.all(Array.from({ length: times }, (_, i) => this.client.publishAsync(topic, payload, { qos: 1, retain, dup: i > 0 })));
    this.ledger.pubacked(topic, seq);
  }

  /** Takes a retained message away. What comes of it holds nothing, so it is owed to nobody. */
  async clear(topic: string): Promise<void> {
    await this.client.publishAsync(topic, '', { qos: 1, retain: true });
  }

  async close(): Promise<void> {
    this.ledger.close();
    await this.client.endAsync();
  }
}
