import type { EdgeRefusal } from '../../domain/edge-state.ts';
import type { EpochMs } from '../../domain/message.ts';
import type { LocalMessage } from '../ports.ts';

export type Transport = 'tcp' | 'tls' | 'ws' | 'wss';

/** Who wants in, as its CONNECT says. The texts are valid UTF-8 without control characters. */
export interface Login {
  /** As the client wrote it, or made up where it may leave it empty (MQTT-3.1.3-6). */
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  /** Address of the other side; empty where it is not known any more. */
  readonly address: string;
  readonly transport: Transport;
  /** Of a client certificate that was verified. */
  readonly certificate: ClientCertificate | undefined;
}

export interface ClientCertificate {
  readonly commonName: string;
  /** As Node writes it: `DNS:a, URI:b`. */
  readonly altNames: string;
}

export type LoginRefusal = 'bad-credentials' | 'not-authorized' | 'unavailable';

/** `who` belongs to the rules: the listener keeps it with the connection and hands it back. */
export type LoginAnswer<Who> = { readonly granted: true; readonly who: Who } | { readonly granted: false; readonly reason: LoginRefusal };

/** Who may connect, publish and subscribe. */
export interface Access<Who = unknown> {
  /** `done` exactly once, within a deadline of its own; may be synchronous. */
  authenticate(login: Login, done: (answer: LoginAnswer<Who>) => void): void;
  /** For each PUBLISH, so of the order of 0.1 us. The topic has no wildcards. */
  mayPublish(who: Who, clientId: string, topic: string): boolean;
  maySubscribe(who: Who, clientId: string, filter: string): boolean;
  /** The name of the account; undefined for whoever gave none. */
  nameOf(who: Who): string | undefined;
  /** The account that has the client id for its own; undefined where none does. */
  ownerOf(clientId: string): string | undefined;
}

/** What the listener asks of the store of sessions besides what aedes asks of it. */
export interface SessionExtras {
  /** Whether the packet id of a QoS 2 message is stored: PUBREC was or will be sent, PUBREL has not come. */
  hasIncoming(clientId: string, messageId: number): boolean;
  /**
   * Makes durable what subscribers of this broker get later: a retained message (an empty payload removes it) and the queues of
   * sessions that are away. In the order of the calls. aedes stores the same again after the acknowledgement, with the same Buffer,
   * which must do nothing then: newer messages may have been kept meanwhile.
   */
  keepLocal(message: LocalMessage, done: (error: Error | undefined) => void): void;
  /** Whether a session that outlives its connection subscribes to the topic. */
  awaits(topic: string): boolean;
  hasSession(clientId: string): boolean;
  sessionIds(): Iterable<string>;
  /** Grows with each subscription of such a session, once `awaits` knows of it. */
  readonly subscribed: number;
  /** Whether one more subscription of a persistent session can be stored. */
  hasRoomFor(client: { readonly id: string }, filter: string): boolean;
  /** Set by the listener: what a client may have in its queue. aedes stores the filters that were refused as well. */
  permits: (client: { readonly id: string }, filter: string) => boolean;
}

/** Why a connection, a log-in, a PUBLISH or a SUBSCRIBE was not accepted. */
export type Refusal = EdgeRefusal;

/** Why a client that was connected is not any more. */
export type DisconnectReason = 'disconnect' | 'lost' | 'keepalive' | 'taken-over' | 'slow-client' | 'not-kept' | 'shutdown' | 'fault' | Refusal;

/** What happens at the listener. May come as often as clients want: who logs it limits the rate. */
export type ListenerEvent =
  | { readonly kind: 'connected'; readonly clientId: string; readonly address: string; readonly transport: Transport; readonly at: EpochMs }
  | { readonly kind: 'disconnected'; readonly clientId: string; readonly address: string; readonly reason: DisconnectReason; readonly at: EpochMs }
  | { readonly kind: 'refused'; readonly reason: Refusal; readonly clientId: string; readonly address: string; readonly detail: string }
  | { readonly kind: 'took-over'; readonly clientId: string; readonly address: string }
  | { readonly kind: 'slow-client'; readonly clientId: string; readonly address: string; readonly waitingBytes: number }
  /** Something of our own or of a library failed; `clientId` is empty where it concerns no client. */
  | { readonly kind: 'fault'; readonly clientId: string; readonly error: Error };
