import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'security.md'), 'utf8');

/** Why nothing can be signed here; undefined where it can. */
export const opensslMissing = ((): string | undefined => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'openssl is not installed: TLS is not tested';
  }
})();

/** Blocks of one language of docs/security.md. */
export function blocks(language: 'sh' | 'ini' | 'yaml'): string[] {
  return [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
}

/** The files of docs/security.md, made by its own commands in `dir`/tls; the passphrase of the gateway's key is in the environment. */
export function documentedFiles(dir: string, passphrase: string): void {
  mkdirSync(dir, { recursive: true });
  const script = blocks('sh').filter((text) => text.includes('openssl'));
  execFileSync('sh', ['-eu', '-c', script.join('\n')], { cwd: dir, stdio: 'pipe', env: { ...process.env, SLUICE_KEY_PASSPHRASE: passphrase } });
}

/** An authority `NAME.pem` with its key `NAME-key.pem`. */
export function authority(dir: string, name: string): void {
  openssl(dir, ['req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}-key.pem`, '-out', `${name}.pem`]);
}

/** A certificate `NAME.pem` with its key `NAME-key.pem`. `days` -1: it has expired. */
export function signed(dir: string, ca: string, name: string, days: number, extensions: string): void {
  writeFileSync(join(dir, `${name}.ext`), extensions);
  openssl(dir, ['req', '-new', ...KEY, '-subj', `/CN=${name}`, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`]);
  const sign = (...valid: string[]): void =>
    openssl(dir, [
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${ca}.pem`,
      '-CAkey',
      `${ca}-key.pem`,
      '-CAcreateserial',
      ...valid,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    ]);
  try {
    sign('-days', String(days));
  } catch (error) {
    // From 3.4 on an end before the beginning is refused, and both can be said instead.
    if (days >= 0) throw error;
    sign('-not_before', '20200101000000Z', '-not_after', '20200102000000Z');
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(dir: string, args: readonly string[]): void {
  execFileSync('openssl', [...args], { cwd: dir, stdio: 'pipe' });
}
