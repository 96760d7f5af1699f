import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { splitUrls } from '../../domain/broker-url.ts';
import type { Lint } from './context.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Reads certificates and key as the connection will, so that `sluice check` finds what would fail only there. Never quotes them. */
export function lintTls(lint: Lint): void {
  const { tls, url, urls } = lint.raw.rabbitmq;
  if (tls === undefined) return;
  const at = (key: string): readonly string[] => ['rabbitmq', 'tls', key];
  if (!(urls ?? splitUrls(url ?? '')).some((one) => one.startsWith('amqps:'))) {
    lint.error(['rabbitmq', 'tls'], 'has no effect: no URL begins with `amqps://`, so the connection would not be encrypted');
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) lint.error(['rabbitmq', 'tls'], '`cert` and `key` belong together');
  if (tls.passphrase !== undefined && tls.key === undefined) lint.error(at('passphrase'), 'has no effect without `key`');
  if (tls.ca !== undefined && certificates(tls.ca) === undefined) lint.error(at('ca'), ...NOT_PEM);
  const own = tls.cert === undefined ? undefined : certificates(tls.cert);
  if (tls.cert !== undefined && own === undefined) lint.error(at('cert'), ...NOT_PEM);
  if (tls.key === undefined) return;
  const key = privateKey(tls.key, tls.passphrase);
  if (typeof key === 'string') lint.error(at(key === NOT_A_KEY ? 'key' : 'passphrase'), key);
  else if (own?.[0] !== undefined && !own[0].checkPrivateKey(key)) lint.error(at('key'), 'is not the key of `rabbitmq.tls.cert`');
}

const NOT_PEM = ['is no certificate in PEM', 'write "${file:PATH}" to read it from a file that begins with -----BEGIN CERTIFICATE-----'] as const;
const NOT_A_KEY = 'is no private key in PEM';

/** All certificates of a PEM text; undefined where there is none or one cannot be read. */
function certificates(pem: string): X509Certificate[] | undefined {
  try {
    const found = (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}

function privateKey(pem: string, passphrase: string | undefined): KeyObject | string {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // OpenSSL's codes differ by version and kind of key; that it is locked stands in the text.
    if (!/ENCRYPTED/.test(pem)) return NOT_A_KEY;
    return passphrase === undefined ? 'is missing: `rabbitmq.tls.key` is locked with one' : 'does not open `rabbitmq.tls.key`';
  }
}
