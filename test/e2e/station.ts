import { connectAsync, type MqttClient } from 'mqtt';
import { type Msg, SparkplugEdgeNode } from '../../devices/formats/sparkplug.ts';
import type { Rig } from './rig.ts';

/** A node on its own connection: `value` of the node and of its device is whatever the test last set. */
export class Station {
  value = 0;
  readonly node: SparkplugEdgeNode;
  private readonly client: MqttClient;

  private constructor(name: string, client: MqttClient, answers: boolean) {
    const value = (): number => this.value;
    this.client = client;
    this.node = new SparkplugEdgeNode({
      group: 'plant',
      node: name,
      metrics: [{ name: 'load', type: 'Double', unit: '%', value }],
      devices: { pump: [{ name: 'flow', type: 'Int32', value }] },
      clock: () => Date.now(),
    });
    if (answers) {
      client.on('message', (topic, payload) => {
        for (const message of this.node.onCommand(topic, payload)) this.send(message).catch(() => {});
      });
    }
  }

  /** `answers`: whether it gives births when it is asked for them. */
  static async connect(rig: Rig, name: string, answers = false): Promise<Station> {
    const { name: username, password } = rig.users.admin;
    const will = new SparkplugEdgeNode({ group: 'plant', node: name, clock: () => Date.now() }).death();
    const client = await connectAsync(`mqtt://127.0.0.1:${rig.node.ports.mqtt}`, {
      username,
      password,
      clientId: `station-${name}`,
      protocolVersion: 4,
      reconnectPeriod: 0,
      will: { topic: will.topic, payload: will.payload, qos: 1, retain: false },
    });
    client.on('error', () => {});
    const station = new Station(name, client, answers);
    if (answers) await client.subscribeAsync(station.node.commandTopic, { qos: 1 });
    return station;
  }

  async send({ topic, payload }: Msg): Promise<void> {
    await this.client.publishAsync(topic, payload, { qos: 1 });
  }

  async birth(): Promise<void> {
    for (const message of this.node.birth()) await this.send(message);
  }

  /** NDATA and DDATA by alias, with this value in both. */
  async data(value: number): Promise<void> {
    this.value = value;
    await this.send(this.node.data(Date.now()));
    await this.send(this.node.data(Date.now(), 'pump'));
  }

  async close(): Promise<void> {
    await this.client.endAsync(true).catch(() => {});
  }

  /** Without DISCONNECT: the broker sends the will (MQTT-3.1.2-8). */
  vanish(): void {
    this.client.stream.destroy();
  }
}
