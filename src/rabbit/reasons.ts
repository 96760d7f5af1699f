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

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** AMQP reply code: on errors of an open connection a number, in a refused handshake only inside amqplib's text. */
export function replyCodeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return code;
  const match = error instanceof Error ? /server: (\d{3}) /.exec(error.message) : null;
  return match === null ? undefined : Number(match[1]);
}

const SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused. Start the broker, or correct host and port (AMQP 5672, with TLS 5671)',
  ENOTFOUND: 'the host name does not resolve. Correct the host in the URL',
  EAI_AGAIN: 'the name server does not answer. Check DNS, or give the IP address',
  ETIMEDOUT: 'no answer. Check the address and the firewall',
  EHOSTUNREACH: 'the host cannot be reached. Check the address and the route',
  ENETUNREACH: 'the network cannot be reached. Check the address and the route',
  ECONNRESET: 'the connection was reset during the handshake. Is TLS expected on this port (amqps), or is it not AMQP at all?',
  CERT_HAS_EXPIRED: "the broker's TLS certificate has expired. Renew it",
  CERT_NOT_YET_VALID: "the broker's TLS certificate is not valid yet. Check the clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's TLS certificate is self-signed. Give its CA certificate in the TLS settings",
  SELF_SIGNED_CERT_IN_CHAIN: "the broker's TLS certificate comes from an unknown CA. Give the CA certificate in the TLS settings",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the broker's TLS certificate cannot be verified. Give the CA certificate in the TLS settings",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the broker's TLS certificate comes from an unknown CA. Give the CA certificate in the TLS settings",
  ERR_TLS_CERT_ALTNAME_INVALID: "the broker's TLS certificate is for another host name. Use the name in the certificate",
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
      reason: `${where}: the broker does not open virtual host '${vhost}' for user '${user}' (530 NOT_ALLOWED). It does not exist, the user has no rights on it, or it is at its connection limit`,
      permanent: true,
    };
  }
  if (/Socket closed abruptly/.test(detail)) {
    return { reason: `${where}: the broker closed the connection during the handshake. Is this its AMQP port, and without TLS?`, permanent: false };
  }
  if (/ETIMEDOUT|no answer within/.test(detail)) return { reason: `${where}: ${SOCKET['ETIMEDOUT']}`, permanent: false };
  return { reason: `${where}: ${detail}`, permanent: false };
}
