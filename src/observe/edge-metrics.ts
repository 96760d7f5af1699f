import { EDGE_REFUSALS, EDGE_SESSION_LOSSES } from '../domain/edge-state.ts';
import { CODES, type MetricDefinition } from './labels.ts';

const counter = { by: 'read', labels: {}, type: 'counter' } as const;
const gauge = { by: 'read', labels: {}, type: 'gauge' } as const;

/** What an edge (`edge.mode`) has besides; a gateway that is none has no series of these. */
export const EDGE_METRICS = {
  sluice_edge_connected: { ...gauge, unit: '0 or 1', help: 'Whether messages go to RabbitMQ now.', worry: 'It is 0 for longer than the spool can bear.' },
  sluice_edge_clients: { ...gauge, unit: 'clients', help: 'Devices that are connected.', worry: 'It falls while devices should be there.' },
  sluice_edge_connections_total: { ...counter, unit: 'connections', help: 'Connections that were let in.', worry: 'It grows quickly: devices come and go.' },
  sluice_edge_refusals_total: {
    ...counter,
    unit: 'refusals',
    labels: { reason: EDGE_REFUSALS },
    help: 'Connections, log-ins, publishes and subscriptions that were not accepted.',
    worry: '`bad-credentials`: a wrong password, or somebody who tries. `publish-denied`: a device publishes where its account may not.',
  },
  sluice_edge_publishes_total: {
    ...counter,
    unit: 'packets',
    labels: { qos: ['0', '1', '2'] },
    help: 'PUBLISH packets by quality of service, what was sent again included.',
    worry: '-',
  },
  sluice_edge_held_messages: {
    ...gauge,
    unit: 'messages',
    help: 'Messages that were read from devices and are not acknowledged yet.',
    worry: 'It stands at `edge.limits.heldMessages`: devices are not read any more.',
  },
  sluice_edge_held_bytes: { ...gauge, unit: 'bytes', help: 'Bytes of them, 512 for each included.', worry: 'It stands at `edge.limits.heldBytes`.' },
  sluice_edge_slow_clients_total: {
    ...counter,
    unit: 'clients',
    help: 'Subscribers that were closed because they read too slowly.',
    worry: 'It grows: some device asks for more than it can take.',
  },
  sluice_edge_taken_over_total: {
    ...counter,
    unit: 'connections',
    help: 'Connections that ended because the same client id connected again.',
    worry: 'It grows steadily: two devices have one client id.',
  },
  sluice_edge_kept_total: {
    ...counter,
    unit: 'messages',
    labels: { where: ['memory', 'spool'] },
    help: 'Messages by where they waited for RabbitMQ first.',
    worry: '`spool` grows while RabbitMQ is there: it is slower than the devices.',
  },
  sluice_edge_copied_total: {
    ...counter,
    unit: 'messages',
    help: 'Messages in memory that were written to the spool as well, because their confirm took longer than `edge.spool.afterMs`.',
    worry: '-',
  },
  sluice_edge_late_total: {
    ...counter,
    unit: 'messages',
    help: 'Messages that were forwarded later than `edge.lateSeconds` after they were received.',
    worry: '-',
  },
  sluice_edge_setbacks_total: {
    ...counter,
    unit: 'attempts',
    labels: { code: CODES },
    help: 'Attempts to pass a message on that were refused for now, by reason. It is tried again; what is behind it of its topic waits.',
    worry: 'It grows: a queue behind RabbitMQ is full, is not bound, or has no leader.',
  },
  sluice_edge_topics_held: {
    ...gauge,
    unit: 'topics',
    help: 'Topics whose oldest message was refused for now.',
    worry: 'It is above 0 while `sluice_edge_connected` is 1.',
  },
  sluice_edge_waiting_for_room: {
    ...gauge,
    unit: 'messages',
    help: 'Messages that have no room in the spool: their devices wait.',
    worry: 'It is above 0.',
  },
  sluice_edge_spool_messages: {
    ...gauge,
    unit: 'messages',
    help: 'Messages on disk that RabbitMQ has not confirmed.',
    worry: 'It grows while RabbitMQ is there.',
  },
  sluice_edge_spool_bytes: { ...gauge, unit: 'bytes', help: 'Bytes of the spool on disk.', worry: 'It comes near `sluice_edge_spool_limit_bytes`.' },
  sluice_edge_spool_limit_bytes: { ...gauge, unit: 'bytes', help: 'Most bytes that the spool may take: `edge.spool.maxBytes`.', worry: '-' },
  sluice_edge_spool_oldest_seconds: {
    ...gauge,
    unit: 'seconds',
    help: 'For how long the oldest message in the spool has waited; 0 without one.',
    worry: 'It grows while RabbitMQ is there.',
  },
  sluice_edge_spool_refusing: {
    ...gauge,
    unit: '0 or 1',
    labels: { reason: ['full', 'unwritable'] },
    help: 'Whether the spool takes nothing, and why.',
    worry: 'It is 1: devices wait.',
  },
  sluice_edge_spool_lost_total: {
    ...counter,
    unit: 'messages',
    help: 'Messages that damage on the disk has cost, as far as it can be told.',
    worry: 'It is above 0: look at the disk.',
  },
  sluice_edge_spool_damaged_total: {
    ...counter,
    unit: 'places',
    help: 'Places of the spool that could not be read.',
    worry: 'It is above 0: look at the disk.',
  },
  sluice_edge_spool_expired_total: { ...counter, unit: 'messages', help: 'Messages that were older than `edge.spool.maxAgeSeconds`.', worry: 'It grows.' },
  sluice_edge_spool_dropped_qos0_total: {
    ...counter,
    unit: 'messages',
    help: 'Messages of QoS 0 that made room in a full spool.',
    worry: 'It grows: the spool is too small.',
  },
  sluice_edge_spool_syncs_total: {
    ...counter,
    unit: 'writes',
    help: 'Writes to the spool that were forced to the disk, each with all messages that waited for it.',
    worry: '-',
  },
  sluice_edge_spool_sync_seconds: {
    ...gauge,
    unit: 'seconds',
    help: 'How long the last of them took.',
    worry: 'Devices wait so long for each acknowledgement.',
  },
  sluice_edge_spool_failures_total: {
    ...counter,
    unit: 'writes',
    help: 'Writes to the spool that failed. Nothing of them was acknowledged.',
    worry: 'It grows: the disk is full or broken.',
  },
  sluice_edge_refused_messages_total: {
    ...counter,
    unit: 'messages',
    help: 'Messages that RabbitMQ can never take; they are kept apart (`sluice spool export --refused`).',
    worry: 'It grows: something is larger than RabbitMQ or AMQP allows.',
  },
  sluice_edge_sessions: { ...gauge, unit: 'sessions', help: 'Persistent sessions.', worry: 'It comes near `edge.sessions.count`.' },
  sluice_edge_subscriptions: { ...gauge, unit: 'subscriptions', help: 'Subscriptions of them.', worry: '-' },
  sluice_edge_queued_messages: {
    ...gauge,
    unit: 'messages',
    help: 'Messages that wait for devices that are away.',
    worry: 'It grows: some device does not come back.',
  },
  sluice_edge_retained_messages: { ...gauge, unit: 'messages', help: 'Retained messages.', worry: 'It comes near `edge.sessions.retainedMessages`.' },
  sluice_edge_session_losses_total: {
    ...counter,
    unit: 'sessions or messages',
    labels: { reason: EDGE_SESSION_LOSSES },
    help: 'What bounds cost devices that subscribe: sessions, subscriptions, queued or retained messages, wills.',
    worry: '`queue-full`: a device that is away for too long loses commands.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
