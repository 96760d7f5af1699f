import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * A password's hash, in one of two writings:
 * - `$scrypt$ln=14,r=8,p=1$SALT$HASH`, a PHC string (base64 without padding; RFC 7914 for the function), which `hashPassword` makes;
 * - RabbitMQ's: base64 of 4 bytes of salt and SHA-256 or SHA-512 of salt and password (rabbitmq.com/docs/passwords), as
 *   `password_hash` of a broker's definitions holds it. Which of the two shows in the length. Fast to guess: for long random passwords.
 */
export type PasswordHash =
  | { readonly kind: 'scrypt'; readonly salt: Buffer; readonly hash: Buffer; readonly cost: ScryptCost }
  | { readonly kind: 'sha256' | 'sha512'; readonly salt: Buffer; readonly hash: Buffer };

interface ScryptCost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 16 MiB and some 40 ms of one core for each. */
const COST: ScryptCost = { ln: 14, r: 8, p: 1 };
/** Memory of scrypt is 128 * N * r bytes (RFC 7914, section 2). */
const MOST_MEMORY = 134_217_728;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const RABBIT_SALT = 4;

/** A new hash of this password. */
export async function hashPassword(password: string | Buffer): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(Buffer.from(password), salt, 32, COST);
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${bare(salt)}$${bare(hash)}`;
}

/** Undefined for a text that is none; `hashProblem` says why. */
export function parseHash(text: string): PasswordHash | undefined {
  return hashProblem(text) === undefined ? read(text) : undefined;
}

/** Why this is no hash, as the end of a sentence that does not show it. */
export function hashProblem(text: string): string | undefined {
  const found = read(text);
  if (found === undefined) {
    if (text.startsWith('$scrypt$')) return 'is not written like $scrypt$ln=14,r=8,p=1$SALT$HASH';
    if (text.startsWith('$')) return 'is of a kind that is not known here: scrypt, or SHA-256 or SHA-512 as RabbitMQ writes it';
    return 'is no password hash: it must begin with $scrypt$, or be the password_hash of a RabbitMQ definition (rabbit_password_hashing_sha256 or _sha512)';
  }
  if (found.kind !== 'scrypt') return undefined;
  const { ln, r, p } = found.cost;
  if (found.salt.length < 8 || found.hash.length < 16) return 'has less than 8 bytes of salt or 16 of hash';
  if (ln < 10 || r < 1 || p < 1 || p > 16 || 128 * 2 ** ln * r > MOST_MEMORY) {
    return `asks for more or less than this should spend on a login: ln at least 10, p from 1 to 16, and 128 * 2^ln * r at most ${MOST_MEMORY} bytes`;
  }
  return undefined;
}

/** Takes the same time for every password. Never throws. */
export async function verifyPassword(known: PasswordHash, password: Buffer): Promise<boolean> {
  if (known.kind !== 'scrypt') return timingSafeEqual(createHash(known.kind).update(known.salt).update(password).digest(), known.hash);
  try {
    return timingSafeEqual(await derive(password, known.salt, known.hash.length, known.cost), known.hash);
  } catch {
    // No memory for it: not verified.
    return false;
  }
}

function read(text: string): PasswordHash | undefined {
  const [, ln, r, p, salt = '', hash = ''] = PHC.exec(text) ?? [];
  if (ln !== undefined) {
    return { kind: 'scrypt', salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64'), cost: { ln: Number(ln), r: Number(r), p: Number(p) } };
  }
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const kind = { 36: 'sha256', 68: 'sha512' }[bytes.length] as 'sha256' | 'sha512' | undefined;
  return kind === undefined ? undefined : { kind, salt: bytes.subarray(0, RABBIT_SALT), hash: bytes.subarray(RABBIT_SALT) };
}

function derive(password: Buffer, salt: Buffer, length: number, { ln, r, p }: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N: 2 ** ln, r, p, maxmem: 2 * MOST_MEMORY }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

function bare(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
