import { emptyBag } from '../domain/bag.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { JsonScalars } from './json-scalars.ts';

/** Deeper than this is refused whatever the settings say: the reader is recursive. */
const DEEPEST = 512;
/**
 * Strict JSON (RFC 8259) from bytes to data in one walk. Not JSON.parse, because that rounds long integers, hides repeated
 * names, and builds everything before anybody can count; and with the walks that make up for it takes twice as long.
 * What it accepts is what JSON.parse accepts, which property tests and JSONTestSuite hold it to.
 */
export class JsonReader extends JsonScalars {
  /** An object named a key twice: the last one won. */
  duplicate = false;
  private depthLeft = 0;
  private fieldsLeft = 0;
  private limits: Pick<Limits, 'depth' | 'fields'> = { depth: 0, fields: 0 };

  /** The text that begins at `start`; meaningless where there is a `problem`. Linear in the bytes, and ends at the first bound that is passed. */
  read(body: Buffer, start: number, limits: Pick<Limits, 'depth' | 'fields'>): Document {
    this.begin(body, start);
    this.duplicate = false;
    this.depthLeft = Math.min(limits.depth, DEEPEST);
    this.fieldsLeft = limits.fields;
    this.limits = limits;
    const document = this.value();
    this.finish();
    return document;
  }

  /** Answers null where there is a problem: callers look at `problem` before they go on. */
  private value(): Document {
    const { body } = this;
    let c = body[this.at] as number;
    if (c <= 0x20) {
      this.space();
      c = body[this.at] as number;
    }
    switch (c) {
      case 0x22:
        return this.string();
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x74:
        return this.word('true', true);
      case 0x66:
        return this.word('false', false);
      case 0x6e:
        return this.word('null', null);
      default:
        return this.number(c);
    }
  }

  private object(): Document {
    const record = emptyBag<Document>();
    if (!this.enter()) {
      return null;
    }
    let c = this.next();
    if (c === 0x7d) {
      return this.leave(record);
    }
    for (;;) {
      if (c !== 0x22) {
        return this.unexpected();
      }
      const name = this.string();
      if (this.next() !== 0x3a || this.problem !== undefined) {
        return this.unexpected();
      }
      this.at += 1;
      const value = this.value();
      if (this.problem !== undefined) {
        return null;
      }
      if (name in record) {
        this.duplicate = true;
      }
      record[name] = value;
      c = this.next();
      if (c === 0x7d) {
        return this.leave(record);
      }
      if (c !== 0x2c || !this.another()) {
        return this.unexpected();
      }
      c = this.next();
    }
  }

  private array(): Document {
    const list: Document[] = [];
    if (!this.enter()) {
      return null;
    }
    if (this.next() === 0x5d) {
      return this.leave(list);
    }
    for (;;) {
      const value = this.value();
      if (this.problem !== undefined) {
        return null;
      }
      list.push(value);
      const c = this.next();
      if (c === 0x5d) {
        return this.leave(list);
      }
      if (c !== 0x2c || !this.another()) {
        return this.unexpected();
      }
    }
  }

  /** Past the opening bracket, which counts as a field. */
  private enter(): boolean {
    this.depthLeft -= 1;
    if (this.depthLeft < 0) {
      this.refuse('LIMIT_DEPTH', `the payload is nested deeper than limits.depth = ${this.limits.depth}`);
      return false;
    }
    return this.another();
  }

  private leave<T extends Document>(container: T): T {
    this.depthLeft += 1;
    this.at += 1;
    return container;
  }

  /** Past a comma, each of which counts as a field. */
  private another(): boolean {
    this.at += 1;
    this.fieldsLeft -= 1;
    if (this.fieldsLeft < 0) {
      this.refuse('LIMIT_FIELDS', `the payload has more than limits.fields = ${this.limits.fields} fields`);
    }
    return this.fieldsLeft >= 0;
  }
}
