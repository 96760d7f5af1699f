import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, type PeerCertificate, TLSSocket } from 'node:tls';

/** `rabbitmq.tls` of the settings. Texts are PEM. */
export interface TlsSettings {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly serverName?: string | undefined;
  readonly expiryWarningDays?: number | undefined;
}

export type SessionTls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername'>;

/** The settings in the words of `tls.connect`. The broker's certificate is always verified: nothing here can switch that off. */
export function tlsOptions(settings: TlsSettings | undefined): SessionTls | undefined {
  if (settings === undefined) return undefined;
  const { ca, cert, key, passphrase, serverName: servername } = settings;
  return Object.fromEntries(Object.entries({ ca, cert, key, passphrase, servername }).filter(([, value]) => value !== undefined));
}

export interface CertificateExpiry {
  /** `broker`: what the broker showed, or the first to expire of those that vouch for it. `gateway`: our own. */
  readonly certificate: 'broker' | 'gateway';
  /** For a person. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** When the certificates of a connection expire; empty without TLS. */
export function certificatesOf(stream: unknown, own: string | undefined): CertificateExpiry[] {
  if (!(stream instanceof TLSSocket)) return [];
  const found: CertificateExpiry[] = [];
  const broker = firstToExpire(stream.getPeerCertificate(true));
  if (broker !== undefined) found.push(broker);
  if (own !== undefined) {
    const { subject, validTo } = new X509Certificate(own);
    found.push({ certificate: 'gateway', subject: subject.replaceAll('\n', ', '), expiresAt: Date.parse(validTo) });
  }
  return found.filter(({ expiresAt }) => Number.isFinite(expiresAt));
}

/** Walks the chain up to the root, which names itself as its issuer. */
function firstToExpire(leaf: ReturnType<TLSSocket['getPeerCertificate']>): CertificateExpiry | undefined {
  let first: CertificateExpiry | undefined;
  const seen = new Set<object>();
  for (let at: Partial<PeerCertificate> & { issuerCertificate?: object } = leaf; at !== undefined && !seen.has(at); at = at.issuerCertificate ?? at) {
    seen.add(at);
    if (at.valid_to === undefined) break;
    const expiresAt = Date.parse(at.valid_to);
    if (first === undefined || expiresAt < first.expiresAt) first = { certificate: 'broker', subject: subjectOf(at), expiresAt };
  }
  return first;
}

function subjectOf(certificate: Partial<PeerCertificate>): string {
  return Object.entries(certificate.subject ?? {})
    .map(([name, value]) => `${name}=${[value].flat().join('+')}`)
    .join(', ');
}
