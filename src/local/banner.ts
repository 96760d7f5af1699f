import type { Account } from './broker-node.ts';

/** Everything that runs, for the text that `npm start` prints once. */
export interface Addresses {
  /** What the broker is: `private node in .sluice/node`. */
  readonly broker: string;
  readonly amqpUrl: string;
  readonly mqttUrl: string;
  readonly wsUrl: string;
  /** undefined where the broker is not ours. */
  readonly managementUrl: string | undefined;
  readonly brokerMetricsUrl: string | undefined;
  /** `http://127.0.0.1:9600` */
  readonly gatewayUrl: string;
  readonly gatewayLog: string;
  /** Where the token of its HTTP server is; undefined where the user has given one. */
  readonly tokenFile: string | undefined;
  readonly accountsFile: string | undefined;
  readonly adminName: string | undefined;
  /** Account that the pasted commands use; its name is the site, the second level of the topics. */
  readonly device: Account;
  readonly site: string;
  /** What the simulated fleet is; undefined with --no-simulate. */
  readonly fleet: string | undefined;
  /** Queue that the consumer reads; undefined with --no-consume. */
  readonly consumerQueue: string | undefined;
}

/** For a POSIX shell: as it is when nothing in it could mean something, else in single quotes. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A URL as it may be shown: without the password. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href.replace(/\/$/, '');
}

function mosquitto(tool: 'pub' | 'sub', addresses: Addresses): string {
  const { hostname, port } = new URL(addresses.mqttUrl);
  const { name, password } = addresses.device;
  return `mosquitto_${tool} -h ${shellWord(hostname)} -p ${port === '' ? '1883' : port} -u ${shellWord(name)} -P ${shellWord(password)} -q 1`;
}

export function publishCommand(addresses: Addresses): string {
  return `${mosquitto('pub', addresses)} -t devices/${addresses.site}/bench/telemetry -m '{"values":{"temperature":21.5}}'`;
}

/** With a client id that begins with the account's name: others are given no queue, and hear nothing (src/rabbit/device-account.ts). */
export function subscribeCommand(addresses: Addresses): string {
  return `${mosquitto('sub', addresses)} -i ${shellWord(`${addresses.device.name}.watch`)} -v -t 'devices/${addresses.site}/#'`;
}

export function banner(addresses: Addresses): string[] {
  const { gatewayUrl } = addresses;
  const rows: (readonly [string, string])[] = [
    ['RabbitMQ', addresses.broker],
    ['  AMQP', withoutPassword(addresses.amqpUrl)],
    ['  MQTT', addresses.mqttUrl],
    ['  WebSocket', addresses.wsUrl],
  ];
  if (addresses.managementUrl !== undefined) {
    rows.push(['  management', `${addresses.managementUrl}  user ${addresses.adminName}, password in ${addresses.accountsFile}`]);
  }
  if (addresses.brokerMetricsUrl !== undefined) rows.push(['  metrics', addresses.brokerMetricsUrl]);
  rows.push(['Gateway', `${gatewayUrl}  log in ${addresses.gatewayLog}`]);
  rows.push(['  console', `${gatewayUrl}/  in a browser; the token for changes is in ${addresses.tokenFile ?? 'SLUICE_HTTP_TOKEN'}`]);
  rows.push(['  health', `${gatewayUrl}/readyz  ${gatewayUrl}/status  ${gatewayUrl}/metrics`]);
  if (addresses.fleet !== undefined) rows.push(['Devices', addresses.fleet]);
  if (addresses.consumerQueue !== undefined) rows.push(['Consumer', `reads ${addresses.consumerQueue}; of the simulated readings one in two seconds is shown`]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const seen = addresses.consumerQueue === undefined ? '' : '; it shows up below';
  return [
    '',
    ...rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    '',
    `Publish a reading as a device${seen}:`,
    `  ${publishCommand(addresses)}`,
    'Watch what the devices of the site send:',
    `  ${subscribeCommand(addresses)}`,
    '',
    'Ctrl-C stops everything in order; a second one at once.',
    '',
  ];
}
