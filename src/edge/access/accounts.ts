import { createHmac, randomBytes } from 'node:crypto';
import type { LoginAnswer as Answer } from '../mqtt/ports.ts';
import { type CertificateField, type CertificateNames, nameOf } from './certificate-name.ts';
import { type PasswordHash, parseHash } from './password-hash.ts';
import { defaultRules, isLevelText, Rights, type Rules } from './rules.ts';
import { Verifier, type VerifierOptions } from './verifier.ts';

export interface AccountSettings {
  /** One level of a topic: at most 128 bytes, no `/`, `+`, `#`, braces or control characters, no `$` at its beginning. */
  readonly name: string;
  /** See PasswordHash. None: by certificate only. */
  readonly passwordHash?: string | undefined;
  /** No password opens it, and it has none. */
  readonly certificateOnly?: boolean | undefined;
  /** Those of a device account on the broker: see defaultRules. */
  readonly publish?: readonly string[] | undefined;
  readonly subscribe?: readonly string[] | undefined;
  /** `own` (default): client ids that are the account's name, or begin with it and `.`, `:` or `/`. `free`: also those that begin with no account's name. */
  readonly clientIds?: 'own' | 'free' | undefined;
}

export interface AccessSettings {
  readonly users: readonly AccountSettings[];
  /** Nobody gets in without a name unless this says so, and what they may do. Their client ids are those of no account. */
  readonly anonymous?: Rules | undefined;
  /** What in a verified client certificate is the name of an account; `cn` if nothing is said. */
  readonly certificateName?: CertificateField | undefined;
}

/** Who wants in, as the listener tells it. `certificate`: of a verified one only. */
export interface LoginRequest {
  /** Empty, or as aedes made it up, for a client that has no id. */
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly certificate: CertificateNames | undefined;
}

/** Somebody who is in: an account, or who is anonymous (without a name). One object for all connections of an account. */
export interface Who {
  readonly name: string | undefined;
  readonly rights: Rights;
}

export type LoginAnswer = Answer<Who>;

interface Account extends Who {
  readonly name: string;
  readonly hash: PasswordHash | undefined;
  readonly hashText: string;
  readonly clientIds: 'own' | 'free';
}

const BAD: LoginAnswer = { granted: false, reason: 'bad-credentials' };
const NOT: LoginAnswer = { granted: false, reason: 'not-authorized' };
const UNAVAILABLE: LoginAnswer = { granted: false, reason: 'unavailable' };
/** What aedes gives a client that has no id: 122 random bits that nobody can guess. */
const MADE_UP = /^aedes_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_PASSWORD_BYTES = 1_024;
/** An unknown name costs the work of a known one; this stands where no account has a password. */
const DECOY = `$scrypt$ln=14,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/**
 * Who may connect, publish and subscribe. Settings that `accessProblems` finds something wrong with are to be refused before;
 * here what is wrong opens nothing.
 */
export class Accounts {
  private readonly accounts: Map<string, Account> = new Map();
  private readonly anonymous: Who | undefined;
  private readonly field: CertificateField;
  private readonly verifier: Verifier;
  private readonly decoys: readonly { readonly text: string; readonly hash: PasswordHash }[];
  private readonly secret = randomBytes(32);

  constructor(settings: AccessSettings, verifier: Partial<VerifierOptions> | Verifier = {}) {
    for (const user of settings.users) {
      if (!isLevelText(user.name) || this.accounts.has(user.name)) continue;
      const rules = defaultRules(user.name);
      const hashText = user.certificateOnly === true ? '' : (user.passwordHash ?? '');
      this.accounts.set(user.name, {
        name: user.name,
        rights: new Rights({ publish: user.publish ?? rules.publish, subscribe: user.subscribe ?? rules.subscribe }, user.name),
        hash: parseHash(hashText),
        hashText,
        clientIds: user.clientIds ?? 'own',
      });
    }
    this.anonymous = settings.anonymous === undefined ? undefined : { name: undefined, rights: new Rights(settings.anonymous, undefined) };
    this.field = settings.certificateName ?? 'cn';
    this.verifier = verifier instanceof Verifier ? verifier : new Verifier(verifier);
    const hashes = [...this.accounts.values()].flatMap(({ hash, hashText }) => (hash === undefined ? [] : [{ text: hashText, hash }]));
    this.decoys = hashes.length > 0 ? hashes : [{ text: DECOY, hash: parseHash(DECOY) as PasswordHash }];
  }

  /** `done` exactly once, at once where no hash is needed. What waits for a hash is bounded: see VerifierOptions. */
  authenticate(login: LoginRequest, done: (answer: LoginAnswer) => void): void {
    const { username, password, certificate } = login;
    const certified = certificate === undefined ? undefined : this.accounts.get(nameOf(certificate, this.field) ?? '');
    const named = username === undefined || username === '' ? undefined : username;
    // As RabbitMQ does: who gives name and password is asked for them; a certificate alone names its account.
    const byCertificate =
      certified !== undefined && (named === undefined || (named === certified.name && (password === undefined || certified.hash === undefined)));
    if (byCertificate) done(this.admit(certified, login.clientId));
    else if (named === undefined) done(password === undefined ? this.admitAnonymous(login.clientId) : BAD);
    else this.checkPassword(named, password ?? Buffer.alloc(0), login.clientId, done);
  }

  mayPublish(who: Who, clientId: string, topic: string): boolean {
    return who.rights.mayPublish(clientId, topic);
  }

  maySubscribe(who: Who, clientId: string, filter: string): boolean {
    return who.rights.maySubscribe(clientId, filter);
  }

  nameOf(who: Who): string | undefined {
    return who.name;
  }

  /** Of two names that could claim it, such as `a` and `a.b` for `a.b.c`, the longer one. */
  ownerOf(clientId: string): string | undefined {
    let owner: string | undefined;
    for (const name of claims(clientId)) if (this.accounts.has(name)) owner = name;
    return owner;
  }

  private checkPassword(name: string, password: Buffer, clientId: string, done: (answer: LoginAnswer) => void): void {
    if (password.length > MOST_PASSWORD_BYTES) {
      done(BAD);
      return;
    }
    const account = this.accounts.get(name);
    const { text, hash } = account?.hash === undefined ? this.decoyFor(name) : { text: account.hashText, hash: account.hash };
    // Who guesses the password of the decoy is refused all the same, and is remembered beside its account, not as it.
    const right = this.verifier.check(account?.hash === undefined ? `\0${name}` : name, text, hash, password);
    if (right === undefined) {
      done(UNAVAILABLE);
      return;
    }
    const answer = (verified: boolean): void => done(verified && account?.hash !== undefined ? this.admit(account, clientId) : BAD);
    if (typeof right === 'boolean') answer(right);
    else void right.then(answer, () => answer(false));
  }

  /** The same one for the same name each time, of the kinds that there are: neither time nor its changes tell names. */
  private decoyFor(name: string): { readonly text: string; readonly hash: PasswordHash } {
    const at = createHmac('sha256', this.secret).update(name).digest().readUInt32BE(0) % this.decoys.length;
    return this.decoys[at] as { readonly text: string; readonly hash: PasswordHash };
  }

  private admit(account: Account, clientId: string): LoginAnswer {
    const owned = clientId === '' || MADE_UP.test(clientId) || isOf(clientId, account.name);
    return owned || (account.clientIds === 'free' && !this.isClaimed(clientId)) ? { granted: true, who: account } : NOT;
  }

  private admitAnonymous(clientId: string): LoginAnswer {
    if (this.anonymous === undefined) return NOT;
    return this.isClaimed(clientId) ? NOT : { granted: true, who: this.anonymous };
  }

  /** Whether an account may use it as its own. */
  private isClaimed(clientId: string): boolean {
    return this.ownerOf(clientId) !== undefined;
  }
}

/** Names that could claim the client id as their own, the shortest first. */
function* claims(clientId: string): Generator<string> {
  for (const { index } of clientId.matchAll(/[.:/]/g)) yield clientId.slice(0, index);
  yield clientId;
}

/**
 * Sessions and connections go by client ids, which devices choose: an account may use those that are its name or begin with
 * it, or one device could end another's connection and read what waits for it. The rule of RabbitMQ's device accounts.
 */
function isOf(clientId: string, name: string): boolean {
  return clientId === name || (clientId.startsWith(name) && /[.:/]/.test(clientId.charAt(name.length)));
}
