/** Why the broker cannot be reached, for a person: what happened, where, and what to do. Never holds a password. */
export interface ConnectFailure {
  readonly reason: string;
  /** Trying again with the same settings cannot help: wrong password, no such virtual host, no right to it. */
  readonly permanent: boolean;
}

/** `amqp://user@host:port/vhost`: an AMQP URL without password and query. */
export function redactUrl(url: string): string {
  let parts: URL;
  try {
    parts = new URL(url);
  } catch {
    return '(not a URL)';
  }
  const user = parts.username === '' ? '' : `${parts.username}@`;
  return `${parts.protocol}//${user}${parts.host}${parts.pathname === '/' ? '' : parts.pathname}`;
}

/** One line of what was thrown, without secrets: `password` is cut out wherever it stands. */
export function messageOf(error: unknown, password?: string): string {
  let text = error instanceof Error ? error.message : String(error);
  // Happy-eyeballs failures (Node >= 20) carry their texts inside.
  if (error instanceof AggregateError && text === '') text = error.errors.map((e) => messageOf(e)).join('; ');
  if (text === '') text = codeOf(error) ?? 'unknown error';
  if (password !== undefined && password !== '') text = text.replaceAll(password, '***');
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** OpenSSL's name of an alert differs between the Node.js versions: `ERR_SSL_SSLV3_ALERT_*` on 20, `ERR_SSL_SSL/TLS_ALERT_*` on 24; answered is the former. */
function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code.replace('SSL_SSL/TLS_ALERT', 'SSL_SSLV3_ALERT') : undefined;
}

/** AMQP reply code: on errors of an open connection a number, in a refused handshake only inside amqplib's text. */
export function replyCodeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return code;
  const match = error instanceof Error ? /server: (\d{3}) /.exec(error.message) : null;
  return match === null ? undefined : Number(match[1]);
}

const UNKNOWN_CA = "the broker's TLS certificate comes from an unknown CA. Put the certificate of the authority that signed it into rabbitmq.tls.ca";
const REFUSED_CERT =
  "the broker does not accept the gateway's certificate. Use one that is signed by an authority of its ssl_options.cacertfile (rabbitmq.tls.cert)";

const SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused. Start the broker, or correct host and port (AMQP 5672, with TLS 5671)',
  ENOTFOUND: 'the host name does not resolve. Correct the host in the URL',
  EAI_AGAIN: 'the name server does not answer. Check DNS, or give the IP address',
  ETIMEDOUT: 'no answer. Check the address and the firewall',
  EHOSTUNREACH: 'the host cannot be reached. Check the address and the route',
  ENETUNREACH: 'the network cannot be reached. Check the address and the route',
  ECONNRESET: 'the connection was reset during the handshake. Is TLS expected on this port (amqps), or is it not AMQP at all?',
  CERT_HAS_EXPIRED: "the broker's TLS certificate has expired. Renew it on the broker (ssl_options.certfile)",
  CERT_NOT_YET_VALID: "the broker's TLS certificate is not valid yet. Check the clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's TLS certificate is self-signed. Put it into rabbitmq.tls.ca",
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  CERT_SIGNATURE_FAILURE: UNKNOWN_CA,
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the broker's TLS certificate is for another host name. Use a name that it carries in the URL, or set rabbitmq.tls.serverName to one",
  // TLS 1.3 has an alert of its own for a client without a certificate, TLS 1.2 the general one.
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the broker wants a certificate of the gateway. Set rabbitmq.tls.cert and rabbitmq.tls.key',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the broker refuses the TLS handshake. It may want a certificate of the gateway: set rabbitmq.tls.cert and rabbitmq.tls.key',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "the broker does not accept the gateway's certificate: it has expired. Renew rabbitmq.tls.cert",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: "the broker does not accept the gateway's certificate: it was revoked. Renew rabbitmq.tls.cert",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: REFUSED_CERT,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: REFUSED_CERT,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: REFUSED_CERT,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: REFUSED_CERT,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the broker speaks no version of TLS that Node.js does. Allow tlsv1.2 or tlsv1.3 on it (ssl_options.versions)',
  ERR_OSSL_BAD_DECRYPT: 'rabbitmq.tls.passphrase does not open rabbitmq.tls.key',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the port does not speak TLS. Use amqp:// there, or the TLS port (5671)',
  EPROTO: 'the TLS handshake failed. Does this port speak TLS (5671)?',
};

/** Explains why `connect` failed. */
export function explainConnectFailure(error: unknown, url: string): ConnectFailure {
  const where = redactUrl(url);
  let user = 'guest';
  let vhost = '/';
  let password: string | undefined;
  try {
    const parts = new URL(url);
    if (parts.username !== '') user = decodeURIComponent(parts.username);
    if (parts.pathname.length > 1) vhost = decodeURIComponent(parts.pathname.slice(1));
    password = decodeURIComponent(parts.password);
    if (parts.protocol !== 'amqp:' && parts.protocol !== 'amqps:') throw new Error('not AMQP');
  } catch {
    return { reason: `${where}: the broker URL must look like amqp://user:password@host:5672/vhost`, permanent: true };
  }
  const detail = messageOf(error, password);
  const socket = error instanceof AggregateError ? (codeOf(error) ?? codeOf(error.errors[0])) : codeOf(error);
  if (socket !== undefined && SOCKET[socket] !== undefined) return { reason: `${where}: ${SOCKET[socket]} (${socket})`, permanent: false };
  if (replyCodeOf(error) === 403) {
    return {
      reason: `${where}: the broker refuses user '${user}' (403 ACCESS_REFUSED). Correct user and password; 'guest' works from the broker's own host only`,
      permanent: true,
    };
  }
  // The close that answers connection.open; amqplib drops its code (530) and text on the way.
  if (detail.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) {
    return {
      reason: `${where}: the broker does not open virtual host '${vhost}' for user '${user}' (530 NOT_ALLOWED). It does not exist, the user has no rights on it, it is at its connection limit, or this node has not opened it (rabbitmqctl restart_vhost there)`,
      permanent: true,
    };
  }
  if (/Socket closed abruptly/.test(detail)) {
    return { reason: `${where}: the broker closed the connection during the handshake. Is this its AMQP port, and without TLS?`, permanent: false };
  }
  if (/ETIMEDOUT|no answer within/.test(detail)) return { reason: `${where}: ${SOCKET['ETIMEDOUT']}`, permanent: false };
  return { reason: `${where}: ${detail}`, permanent: false };
}
