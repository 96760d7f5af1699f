/** Where a verified client certificate says whose it is. */
export type CertificateField = 'cn' | 'dns' | 'email' | 'uri';

/** What Node.js tells of a certificate: its common name, and its alternative names as one text, `DNS:a, URI:"b, c"`. */
export interface CertificateNames {
  readonly commonName: string;
  readonly altNames: string;
}

const PREFIX: Readonly<Record<Exclude<CertificateField, 'cn'>, string>> = { dns: 'DNS:', email: 'email:', uri: 'URI:' };

/** The one name of this kind; undefined where there is none, or several, or one that could be read in two ways. */
export function nameOf(certificate: CertificateNames, field: CertificateField): string | undefined {
  if (field === 'cn') return certificate.commonName === '' ? undefined : certificate.commonName;
  // Node writes names with commas or quotes as JSON texts (CVE-2021-44532): where a quote stands, parts could be told wrongly.
  if (certificate.altNames.includes('"')) return undefined;
  const prefix = PREFIX[field];
  const found = certificate.altNames.split(', ').filter((part) => part.startsWith(prefix) && part.length > prefix.length);
  return found.length === 1 ? (found[0] as string).slice(prefix.length) : undefined;
}
