/** Message types with readings (Sparkplug 3.0, section 4.1). */
export const MESSAGE_TYPES = ['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface SparkplugTopic {
  readonly kind: 'message';
  /** What stands before the group, as the message had it: commands go back under the same spelling. */
  readonly namespace: string;
  readonly type: MessageType;
  readonly group: string;
  readonly node: string;
  /** Undefined in messages of the node itself. */
  readonly device: string | undefined;
  /** `group/node`. */
  readonly nodeKey: string;
  /** `group/node` or `group/node/device`. */
  readonly deviceKey: string;
}

/** `ignored`: commands and the state of host applications, which hold no readings. `foreign`: no Sparkplug topic. */
export type TopicVerdict = SparkplugTopic | { readonly kind: 'ignored' } | { readonly kind: 'foreign'; readonly why: string };

/**
 * `spBv1.0` as it arrives. RabbitMQ turns the dot into a level break, `spBv1/0`, unless `mqtt.sparkplug = true` makes it
 * `spBv1___0` (rabbitmq-mqtt#206); other ways into the gateway leave it alone.
 */
const NAMESPACE = /^spBv1(?:\.|___|\/)0\//;
const NAMED = new Map<string, MessageType>(MESSAGE_TYPES.map((type) => [type, type]));

/**
 * Section 4.1: `namespace/group_id/message_type/edge_node_id[/device_id]`. The ids may hold anything but `+ / #`; a dot
 * in one has become a level break on its way through RabbitMQ, so such a topic has a level too many and is refused.
 */
export function parseTopic(topic: string): TopicVerdict {
  const start = NAMESPACE.exec(topic);
  if (start === null) {
    return /^STATE\/[^/]+$/.test(topic) ? { kind: 'ignored' } : { kind: 'foreign', why: 'it does not begin with spBv1.0' };
  }
  const namespace = start[0].slice(0, -1);
  const levels = topic.slice(start[0].length).split('/');
  const [group, verb, node, device] = levels;
  if (group === 'STATE' && levels.length === 2) {
    return { kind: 'ignored' };
  }
  if (verb === 'NCMD' || verb === 'DCMD') {
    return { kind: 'ignored' };
  }
  const type = verb === undefined ? undefined : NAMED.get(verb);
  if (type === undefined) {
    return { kind: 'foreign', why: 'its second level behind the namespace is no Sparkplug message type' };
  }
  const expected = type.startsWith('D') ? 4 : 3;
  if (levels.length !== expected || levels.includes('')) {
    return { kind: 'foreign', why: `${type} takes ${expected === 4 ? 'a group, a node and a device' : 'a group and a node'}, without dots in their names` };
  }
  const nodeKey = `${group}/${node}`;
  const deviceKey = device === undefined ? nodeKey : `${nodeKey}/${device}`;
  return { kind: 'message', namespace, type, group: group as string, node: node as string, device, nodeKey, deviceKey };
}
