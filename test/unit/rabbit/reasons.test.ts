import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { explainConnectFailure } from '../../../src/rabbit/reasons.ts';

/** What Node.js makes of a fatal alert (RFC 8446, section 6) that answers the ClientHello: its code is another one with each version of OpenSSL. */
async function alerted(description: number): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description])));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [error] = (await once(connect({ host: '127.0.0.1', port }), 'error')) as unknown[];
    return error;
  } finally {
    server.close();
  }
}

describe('an alert of the broker', () => {
  it.each([
    ['handshake_failure', 40, /refuses the TLS handshake.*rabbitmq\.tls\.cert/],
    ['bad_certificate', 42, /does not accept.*rabbitmq\.tls\.cert/],
    ['unsupported_certificate', 43, /does not accept.*rabbitmq\.tls\.cert/],
    ['certificate_revoked', 44, /does not accept.*was revoked.*rabbitmq\.tls\.cert/],
    ['certificate_expired', 45, /does not accept.*has expired.*rabbitmq\.tls\.cert/],
    ['certificate_unknown', 46, /does not accept.*rabbitmq\.tls\.cert/],
    ['unknown_ca', 48, /does not accept.*rabbitmq\.tls\.cert/],
    ['protocol_version', 70, /ssl_options\.versions/],
  ])('%s says what to do', async (_, description, expected) => {
    const { reason, permanent } = explainConnectFailure(await alerted(description), 'amqps://gateway:secret@broker:5671');
    expect(reason).toMatch(expected);
    expect(reason).toMatch(/^amqps:\/\/gateway@broker:5671: /);
    expect(permanent).toBe(false);
  });
});
