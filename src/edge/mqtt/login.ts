import type { TLSSocket } from 'node:tls';
import type { AuthenticateError, ConnectPacket, Subscription } from 'aedes';
import { type AedesClient, willOf } from './aedes-client.ts';
import { connectFault } from './packet-rules.ts';
import type { Access, ClientCertificate, LoginRefusal, Refusal, SessionExtras } from './ports.ts';
import type { Shared } from './shared.ts';
import { isClean, topicFault } from './text-rules.ts';
import type { Wire } from './wire.ts';

export interface LoginHooksOptions {
  readonly shared: Shared;
  readonly access: Access;
  readonly sessions: SessionExtras;
}

/** Return codes of CONNACK (table 3.1). */
const CODES = {
  'client-id': 2,
  unavailable: 3,
  'bad-credentials': 4,
  'not-authorized': 5,
  will: 5,
  'user-clients': 5,
} as const satisfies Record<LoginRefusal | 'client-id' | 'will' | 'user-clients', number>;

/** Who may come in, and subscribe to what: the hooks of aedes around CONNECT and SUBSCRIBE. */
export class LoginHooks {
  private readonly options: LoginHooksOptions;

  constructor(options: LoginHooksOptions) {
    this.options = options;
  }

  /** `preConnect` of aedes: what has no answer but the end of the connection. */
  connect(client: AedesClient, packet: ConnectPacket, done: (error: Error | null, ok: boolean) => void): void {
    const { wire } = client.conn;
    const end = (reason: Refusal, detail: string): void => {
      wire.refuse(reason, detail);
      done(new Error(detail), false);
    };
    const { clientId, username, will, protocolVersion } = packet;
    const fault = connectFault(packet);
    if (protocolVersion !== 3 && protocolVersion !== 4) {
      // aedes answers, and closes.
      wire.reason = 'protocol-version';
      wire.note('protocol-version', `MQTT protocol level ${protocolVersion}: set the device to MQTT 3.1.1`);
    } else if (fault !== undefined) {
      end('malformed', `CONNECT: ${fault}`);
      return;
    } else if (!isClean(clientId)) {
      end('client-id', 'a client id with control characters, or that is not UTF-8');
      return;
    } else if (username !== undefined && !isClean(username)) {
      end('malformed', 'a user name with control characters, or that is not UTF-8');
      return;
    }
    if (will !== undefined) {
      const bad = topicFault(will.topic, this.options.shared.limits.maxTopicBytes);
      if (bad !== undefined) {
        end('will', `the topic of the will: ${bad}`);
        return;
      }
      // It stays as long as the connection; the chunk of the socket that it is a view on must not.
      will.payload = Buffer.from(will.payload as Buffer);
    }
    wire.unnamed = clientId === '';
    done(null, true);
  }

  /** `authenticate` of aedes. */
  authenticate(
    client: AedesClient,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, ok: boolean | null) => void,
  ): void {
    const { shared, access } = this.options;
    const { wire } = client.conn;
    const deny = (reason: keyof typeof CODES, detail: string): void => {
      if (client.closed) return;
      wire.reason ??= reason;
      wire.note(reason, detail);
      done(Object.assign(new Error(detail), { returnCode: CODES[reason] }), false);
    };
    if (wire.unnamed && !client.clean) {
      deny('client-id', 'no client id, and a session that is to be kept (MQTT-3.1.3-8)');
      return;
    }
    if (Buffer.byteLength(client.id) > shared.limits.maxClientIdBytes) {
      deny('client-id', `a client id of more than ${shared.limits.maxClientIdBytes} bytes`);
      return;
    }
    const login = { clientId: client.id, username, password, address: wire.address, transport: wire.transport, certificate: certificateOf(wire) };
    access.authenticate(login, (answer) => {
      if (client.closed) return;
      if (!answer.granted) {
        deny(answer.reason, `user ${username?.slice(0, 100) ?? '(none)'}`);
        return;
      }
      const will = willOf(client);
      if (will !== undefined && !access.mayPublish(answer.who, client.id, will.topic)) {
        deny('will', `this user may not publish its will to ${will.topic.slice(0, 256)}`);
        return;
      }
      const user = access.nameOf(answer.who);
      if (user !== undefined && !shared.users.mayEnter(wire, user, client.id)) {
        deny('user-clients', `user ${user} has ${shared.limits.clientsPerUser} clients already, as many as one may`);
        return;
      }
      wire.who = answer.who;
      this.takesOver(client);
      wire.granted();
      done(null, true);
    });
  }

  /** The earlier connection of this id is closed by aedes (MQTT-3.1.4-2). */
  private takesOver(client: AedesClient): void {
    const { broker, counters, emit } = this.options.shared;
    const earlier = broker.clients[client.id];
    if (earlier === undefined || earlier.closed) return;
    earlier.conn.wire.reason ??= 'taken-over';
    counters.tookOver++;
    emit({ kind: 'took-over', clientId: client.id, address: client.conn.wire.address });
  }

  /** `authorizeSubscribe` of aedes, which also asks for stored subscriptions before the CONNACK; an error would end the connection. */
  subscribe(client: AedesClient, subscription: Subscription, done: (error: Error | null, granted?: Subscription | null) => void): void {
    const { access, sessions } = this.options;
    const { wire } = client.conn;
    const { topic } = subscription;
    const allowed = access.maySubscribe(wire.who, client.id, topic);
    if (allowed && (client.clean || !client.connackSent || sessions.hasRoomFor(client, topic))) {
      done(null, subscription);
      return;
    }
    if (client.connackSent) {
      wire.note('subscribe-denied', allowed ? 'as many subscriptions as a session may have' : `SUBSCRIBE to ${topic.slice(0, 256)}`);
    }
    done(null, null);
  }
}

function certificateOf(wire: Wire): ClientCertificate | undefined {
  const socket = wire.secure as Partial<TLSSocket> | undefined;
  if (socket?.authorized !== true || socket.getPeerCertificate === undefined) return undefined;
  const { subject, subjectaltname = '' } = socket.getPeerCertificate();
  if (subject === undefined) return undefined;
  return { commonName: [subject.CN].flat()[0] ?? '', altNames: subjectaltname };
}
