import type { GatewayEvent, GatewayEventType } from '../domain/events.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

type FieldOf<E> = E extends unknown ? Exclude<keyof E, 'type'> : never;
export type EventOf<T extends GatewayEventType> = Extract<GatewayEvent, { readonly type: T }>;
/** Every field name that some event has. */
export type EventField = FieldOf<GatewayEvent>;

export interface LogEntry<E = GatewayEvent> {
  readonly level: LogLevel;
  /** A field whose value moves the level: a session that is `blocked` is a warning, one that is `ready` is not. */
  readonly levelBy?: { readonly field: FieldOf<E>; readonly levels: Readonly<Record<string, LogLevel>> };
  /** Constant text, so that lines can be searched and counted; what varies is in the fields. */
  readonly message: string;
  /** In the order in which a person wants to read them. */
  readonly fields: readonly FieldOf<E>[];
  /** Lines that are equal in these fields share one budget per window. Absent: never suppressed, because it cannot repeat quickly. */
  readonly limitBy?: readonly FieldOf<E>[];
  readonly doc: string;
}

/** How each event is logged. An event without an entry does not compile, and METRICS.md is written from this table. */
export const EVENTS: { readonly [T in GatewayEventType]: LogEntry<EventOf<T>> } = {
  'session-state': {
    level: 'info',
    levelBy: { field: 'state', levels: { blocked: 'warn' } },
    message: 'session changed state',
    fields: ['session', 'state', 'address', 'reason'],
    limitBy: ['session', 'state'],
    doc: 'A connection to the broker changed its state.',
  },
  'session-failover': {
    level: 'warn',
    message: 'goes on to the next address',
    fields: ['session', 'from', 'to', 'reason'],
    limitBy: ['session', 'from'],
    doc: 'A connection was lost, or could not be made, and another address has its turn at once. Only where the settings name several.',
  },
  'session-retry': {
    level: 'warn',
    message: 'cannot connect, will try again',
    fields: ['session', 'attempt', 'delayMs', 'address', 'reason'],
    limitBy: ['session'],
    doc: 'A connection was lost, or could not be made, and every address has had its turn: the next round begins after a pause.',
  },
  'certificate-expiry': {
    level: 'warn',
    levelBy: { field: 'when', levels: { later: 'debug' } },
    message: 'TLS certificate expires',
    fields: ['session', 'certificate', 'subject', 'daysLeft', 'expiresAt', 'when'],
    limitBy: ['session', 'certificate'],
    doc: 'A connection with TLS was made. A warning where a certificate expires within `rabbitmq.tls.expiryWarningDays`: renew it, or no new connection can be made from then on.',
  },
  'source-attached': {
    level: 'info',
    message: 'consuming',
    fields: ['queue', 'epoch'],
    limitBy: ['queue'],
    doc: 'The gateway consumes from the ingest queue on a new channel.',
  },
  'source-detached': {
    level: 'warn',
    message: 'no longer consuming',
    fields: ['queue', 'epoch', 'reason', 'unsettled'],
    limitBy: ['queue'],
    doc: 'The consumer lost its channel or was cancelled. What was unsettled comes again.',
  },
  'poison-suspected': {
    level: 'error',
    message: 'a message seems to kill the connection',
    fields: ['queue', 'deaths', 'reason'],
    limitBy: ['queue'],
    doc: 'The connection died several times right after it began to consume. Messages are taken one at a time until the broker has moved the poisonous one to the dead letters; the gateway is not ready meanwhile.',
  },
  'poison-cleared': {
    level: 'info',
    message: 'the connection lives again',
    fields: ['queue', 'how', 'suspectedMs'],
    limitBy: ['queue'],
    doc: 'Messages are taken with the full prefetch again. `how`: `moved`, the broker has taken the poisonous message away; `progress` or `quiet`, there seems to be none.',
  },
  'stale-ack': {
    level: 'info',
    message: 'settled after the channel was lost, nothing was acked',
    fields: ['epoch', 'count'],
    limitBy: [],
    doc: 'Deliveries settled too late for their channel; the broker delivers them again, so duplicates downstream are possible.',
  },
  'batch-sealed': {
    level: 'debug',
    message: 'batch sealed',
    fields: ['route', 'by', 'items', 'bytes'],
    doc: 'A batch is complete and goes to its lane.',
  },
  'batch-forwarded': {
    level: 'debug',
    message: 'batch forwarded',
    fields: ['route', 'items', 'bytes', 'attempts', 'publishMs', 'oldestReceivedAt', 'at'],
    doc: 'The broker confirmed a batch and did not return it.',
  },
  'publish-failed': {
    level: 'warn',
    message: 'publish failed',
    fields: ['route', 'destination', 'code', 'message', 'attempt', 'retryMs'],
    limitBy: ['route', 'code'],
    doc: 'One attempt to publish a batch failed.',
  },
  'lane-held': {
    level: 'warn',
    message: 'lane held',
    fields: ['route', 'destination', 'code', 'message'],
    limitBy: ['route', 'code'],
    doc: 'A destination does not take batches; its lane keeps them in order and tries again. The gateway is not ready meanwhile.',
  },
  'lane-resumed': {
    level: 'info',
    message: 'lane resumed',
    fields: ['route', 'destination', 'heldMs', 'attempts'],
    limitBy: ['route'],
    doc: 'A held lane got its first batch confirmed.',
  },
  'batch-split': {
    level: 'warn',
    message: 'batch split',
    fields: ['route', 'items', 'code'],
    limitBy: ['route', 'code'],
    doc: 'A batch was refused for what is in it and was cut in two, to find the reading that does not pass.',
  },
  'dead-lettered': {
    level: 'warn',
    message: 'dead-lettered',
    fields: ['code', 'stage', 'topic', 'message'],
    limitBy: ['code', 'stage'],
    doc: 'A message or a reading of it will never pass and was put into the dead-letter queue.',
  },
  'topology-asserted': {
    level: 'info',
    message: 'topology asserted',
    fields: ['exchanges', 'queues', 'bindings', 'away'],
    limitBy: [],
    doc: 'Everything that the settings name exists in the broker. With `away` the node of such a queue is away: what goes there is held until it is back.',
  },
  'topology-repaired': {
    level: 'warn',
    message: 'topology repaired',
    fields: ['what', 'reason'],
    limitBy: ['what'],
    doc: 'Something that the settings name was missing and was declared again.',
  },
  'binding-missing': {
    level: 'error',
    message: 'the ingest queue was not bound',
    fields: ['queue', 'missing', 'atMostMs', 'reason'],
    limitBy: ['queue'],
    doc: 'Devices got PUBACKs for messages that nobody keeps. Seen with `rabbitmq.management` alone. The gateway is not ready until the API shows the binding again.',
  },
  'binding-restored': {
    level: 'warn',
    message: 'the ingest queue is bound again',
    fields: ['queue', 'atMostMs'],
    limitBy: ['queue'],
    doc: 'The binding that was missing is there. `atMostMs`: from the last time that it was known to be there until it was made again; what devices published meanwhile may be lost.',
  },
  'bindings-watched': {
    level: 'info',
    levelBy: { field: 'state', levels: { blind: 'warn' } },
    message: 'watch over the binding of the ingest queue',
    fields: ['queue', 'state', 'reason'],
    limitBy: ['queue', 'state'],
    doc: 'How a lost binding is noticed, at the start and at each change. `full`: the management API tells, and the gateway binds again. `mending`: without `rabbitmq.management` it binds again every 5 s, and nobody can tell whether that was needed. `blind`: the API or the broker refuses or does not answer, see `reason`.',
  },
  'rule-failed': {
    level: 'warn',
    message: 'routing rule failed',
    fields: ['route', 'message'],
    limitBy: ['route'],
    doc: 'The `when` expression of a route could not be evaluated for a reading; the rule did not match.',
  },
  'ledger-imbalance': {
    level: 'error',
    message: 'the books do not balance',
    fields: ['messagesOff', 'itemsOff', 'reason'],
    limitBy: [],
    doc: 'Received, settled and held do not agree: a bug of the gateway. The gateway is not ready until they do; docs/operations.md says what to do.',
  },
  'ledger-balanced': {
    level: 'info',
    message: 'the books balance again',
    fields: [],
    limitBy: [],
    doc: 'The imbalance that was reported is gone.',
  },
  'component-phase': {
    level: 'info',
    levelBy: { field: 'phase', levels: { degraded: 'warn' } },
    message: 'component changed phase',
    fields: ['component', 'phase', 'reason'],
    limitBy: ['component', 'phase'],
    doc: 'A component of the gateway changed its phase.',
  },
  'config-reload': {
    level: 'error',
    levelBy: { field: 'outcome', levels: { applied: 'info', unchanged: 'info' } },
    message: 'reload of the settings',
    fields: ['outcome', 'trigger', 'from', 'version', 'changes', 'tried', 'differing', 'reason'],
    doc: 'Somebody asked for the settings to be read again. `applied`: they decide from the next message on; `refused`: the old ones stay in force, and `reason` says why; `unchanged`: nothing to do. `differing` of the last `tried` messages fare differently under them.',
  },
  'edge-held': {
    level: 'warn',
    message: 'RabbitMQ does not take a message of a device, will try again',
    fields: ['topic', 'attempt', 'code', 'message'],
    limitBy: ['code'],
    doc: 'At an edge: RabbitMQ refused a message for now. It and what is behind it of its topic wait; nothing is lost. `sluice_edge_setbacks_total` counts them by code.',
  },
  'edge-refused': {
    level: 'warn',
    message: 'refused a device',
    fields: ['reason', 'clientId', 'address', 'detail'],
    limitBy: ['reason'],
    doc: 'At an edge: a connection, a log-in, a publish or a subscription was not accepted. `sluice_edge_refusals_total` counts them by reason.',
  },
  'edge-slow-client': {
    level: 'warn',
    message: 'closed a subscriber that reads too slowly',
    fields: ['clientId', 'address', 'waitingBytes'],
    limitBy: [],
    doc: 'At an edge: more waited for a subscriber than `edge.limits.outgoingBytes`, or its socket took nothing for too long. Messages of QoS 1 and 2 of a persistent session wait for its return.',
  },
  'edge-fault': {
    level: 'error',
    message: 'the MQTT listener failed for one client',
    fields: ['clientId', 'message'],
    limitBy: ['message'],
    doc: 'At an edge: something of ours or of a library failed. What the client had not acknowledged comes again.',
  },
  drain: {
    level: 'info',
    levelBy: { field: 'step', levels: { deadline: 'warn' } },
    message: 'drain',
    fields: ['step', 'itemsLeft', 'messagesLeft'],
    doc: 'A step of the orderly stop. `deadline`: time was up, and what is left stays in the broker.',
  },
};
