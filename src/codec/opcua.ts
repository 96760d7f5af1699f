import { emptyBag } from '../domain/bag.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { jsonCodec } from './json.ts';
import { noOptions } from './options.ts';
import { type DecodeContext, type Decoded, detachedEnvironment, type PayloadCodec, type PayloadDecoder } from './registry.ts';

type Bag = { readonly [name: string]: Document };

/** Types of a message that carries no data: OPC 10000-14, 7.2.5.3, and the discovery messages of 7.2.5.6. */
const SILENT: ReadonlySet<string> = new Set([
  'ua-keepalive',
  'ua-metadata',
  'ua-connection',
  'ua-status',
  'ua-application',
  'ua-endpoints',
  'ua-condition-refresh',
  'ua-action-metadata',
  'ua-action-responder',
]);

function isBag(node: Document | undefined): node is Bag {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

function own(bag: Bag, name: string): Document | undefined {
  return Object.hasOwn(bag, name) ? bag[name] : undefined;
}

function textOf(node: Document | undefined): string | undefined {
  return typeof node === 'string' && node !== '' ? node : typeof node === 'number' || typeof node === 'bigint' ? String(node) : undefined;
}

function listOf(node: Document | undefined): readonly Document[] {
  return Array.isArray(node) ? (node as readonly Document[]) : node === undefined ? [] : [node];
}

/**
 * JSON messages of OPC UA PubSub (OPC 10000-14, 7.2.5): network messages with or without their headers, data set
 * messages alone, fields as raw values, variants or data values; and the older form of one monitored item a message.
 * A `body` around them, as Azure IoT Hub's exports have it, is taken off.
 *
 * Document: array of `{ device, publisher?, writer?, type?, sequence?, time?, node?, values }`, one a data set message.
 * `device` is PublisherId/DataSetWriterName (or the topic). A field without a value keeps its status code.
 */
class OpcUaDecoder implements PayloadDecoder {
  private readonly json: PayloadDecoder = jsonCodec.create({}, detachedEnvironment('opcua-json'));

  decode(body: Buffer, limits: Limits, context: DecodeContext): Result<Decoded> {
    const read = this.json.decode(body, limits, context);
    if (!read.ok) {
      return read;
    }
    const { document, flags } = read.value;
    const messages: Bag[] = [];
    let silent: string | undefined;
    for (const network of listOf(isBag(document) && !isBag(own(document, 'Payload')) ? (own(document, 'body') ?? document) : document)) {
      if (!isBag(network)) {
        return failed('SCHEMA_MISMATCH', 'an OPC UA message is an object');
      }
      silent = this.network(network, context, messages) ?? silent;
    }
    return messages.length === 0 && silent !== undefined
      ? { ok: true, value: { document: messages, flags, ignored: silent } }
      : { ok: true, value: { document: messages, flags } };
  }

  /** Adds the data of one network message; answers the type of what carries none. */
  private network(network: Bag, context: DecodeContext, messages: Bag[]): string | undefined {
    const type = textOf(own(network, 'MessageType'));
    if (type !== undefined && SILENT.has(type)) {
      return type;
    }
    const publisher = textOf(own(network, 'PublisherId'));
    if (Object.hasOwn(network, 'NodeId') && Object.hasOwn(network, 'Value')) {
      messages.push(monitoredItem(network, context));
      return undefined;
    }
    let silent: string | undefined;
    for (const set of listOf(own(network, 'Messages') ?? network)) {
      const kind = isBag(set) ? textOf(own(set, 'MessageType')) : undefined;
      if (kind !== undefined && SILENT.has(kind)) {
        silent = kind;
      } else if (isBag(set)) {
        messages.push(dataSet(set, publisher, context));
      }
    }
    return silent;
  }
}

function reading(device: string, values: Bag, rest: Readonly<Record<string, Document | undefined>>): Bag {
  const bag = emptyBag<Document>();
  bag['device'] = device;
  for (const [name, node] of Object.entries(rest)) {
    if (node !== undefined && node !== null) {
      bag[name] = node;
    }
  }
  bag['values'] = values;
  return bag;
}

function dataSet(set: Bag, network: string | undefined, context: DecodeContext): Bag {
  const publisher = textOf(own(set, 'PublisherId')) ?? network;
  const writer = textOf(own(set, 'DataSetWriterName')) ?? textOf(own(set, 'DataSetWriterId'));
  // Without any header the fields stand alone.
  const payload = own(set, 'Payload') ?? set;
  const values = emptyBag<Document>();
  let newest: string | undefined;
  for (const [name, field] of Object.entries(isBag(payload) ? payload : {})) {
    const at = addField(values, name, field);
    newest = at !== undefined && (newest === undefined || at > newest) ? at : newest;
  }
  const device = [publisher, writer].filter((part) => part !== undefined).join('/');
  return reading(device === '' ? context.topic : device, values, {
    publisher,
    writer,
    type: own(set, 'MessageType'),
    sequence: own(set, 'SequenceNumber'),
    time: own(set, 'Timestamp') ?? newest,
  });
}

function monitoredItem(item: Bag, context: DecodeContext): Bag {
  const extension = own(item, 'ExtensionFields');
  const from = isBag(extension) ? extension : item;
  const publisher = textOf(own(from, 'PublisherId')) ?? textOf(own(item, 'ApplicationUri')) ?? textOf(own(item, 'EndpointUrl'));
  const node = textOf(own(item, 'NodeId'));
  const values = emptyBag<Document>();
  const name = textOf(own(item, 'DisplayName')) ?? node?.replace(/^.*;(?:s=)?/, '') ?? 'value';
  const at = addField(values, name, own(item, 'Value') ?? null);
  return reading(publisher ?? context.topic, values, {
    publisher,
    writer: textOf(own(from, 'DataSetWriterId')),
    sequence: own(item, 'SequenceNumber'),
    time: own(item, 'Timestamp') ?? at,
    node,
  });
}

/** Adds a field of a data set (OPC 10000-14, 7.2.5.4.4) and answers its source time. */
function addField(values: Record<string, Document>, name: string, field: Document): string | undefined {
  // OPC 10000-6, 5.4.2.18: a DataValue. Its status is left out where it is good.
  const isData = isBag(field) && ['Value', 'StatusCode', 'SourceTimestamp', 'ServerTimestamp', 'Status'].some((key) => Object.hasOwn(field, key));
  if (!isData) {
    values[name] = plain(field);
    return undefined;
  }
  const status = own(field, 'StatusCode') ?? own(field, 'Status');
  const value = own(field, 'Value');
  if (value !== undefined && value !== null) {
    values[name] = plain(value);
  }
  if (status !== undefined && status !== null) {
    values[`${name}_StatusCode`] = status;
  }
  return textOf(own(field, 'SourceTimestamp'));
}

/** A variant, localized text or extension object (OPC 10000-6, 5.4.2) as what it holds. The JSON reader has bounded the depth. */
function plain(node: Document): Document {
  if (Array.isArray(node)) {
    return (node as readonly Document[]).map(plain);
  }
  if (!isBag(node)) {
    return node;
  }
  const body = own(node, 'Body');
  if (body !== undefined && (Object.hasOwn(node, 'Type') || Object.hasOwn(node, 'TypeId'))) {
    return plain(body);
  }
  if (Object.hasOwn(node, 'UaType') && Object.hasOwn(node, 'Value')) {
    return plain(own(node, 'Value') as Document);
  }
  const text = own(node, 'Text');
  if (typeof text === 'string' && Object.keys(node).every((key) => key === 'Text' || key === 'Locale')) {
    return text;
  }
  const bag = emptyBag<Document>();
  for (const [name, child] of Object.entries(node)) {
    bag[name] = plain(child);
  }
  return bag;
}

export const opcuaJsonCodec: PayloadCodec = {
  name: 'opcua-json',
  contentType: 'application/json',
  checkOptions: noOptions,
  create: () => new OpcUaDecoder(),
};
