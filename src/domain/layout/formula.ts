import { type Compiled, compiled, refused } from '../compiled.ts';

/** `x` is what was read; `slots` are the fields before, by number. Gives NaN or infinity where there is no answer. */
export type Formula = (x: number, slots: readonly number[]) => number;

const LONGEST = 500;
const DEEPEST = 30;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(<=|>=|==|!=|[-+*/%^()<>?:,]))/y;

type Call = (args: readonly number[]) => number;

const arg = (args: readonly number[], i: number): number => args[i] as number;

/** Name -> number of arguments, and what it does. */
const FUNCTIONS: Readonly<Record<string, readonly [number, Call]>> = {
  ln: [1, (args) => Math.log(arg(args, 0))],
  log10: [1, (args) => Math.log10(arg(args, 0))],
  exp: [1, (args) => Math.exp(arg(args, 0))],
  sqrt: [1, (args) => Math.sqrt(arg(args, 0))],
  abs: [1, (args) => Math.abs(arg(args, 0))],
  floor: [1, (args) => Math.floor(arg(args, 0))],
  min: [2, (args) => Math.min(arg(args, 0), arg(args, 1))],
  max: [2, (args) => Math.max(arg(args, 0), arg(args, 1))],
  // Half away from zero, in decimal: the digits of the shortest text, not of the double behind it.
  round: [2, (args) => rounded(arg(args, 0), arg(args, 1))],
};

export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS);

function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  const scaled = Number((Math.abs(value) * factor).toPrecision(15));
  return (Math.sign(value) * Math.floor(scaled + 0.5)) / factor;
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

class Wrong extends Error {}

/**
 * Arithmetic and nothing else: + - * / % ^, comparisons, `c ? a : b`, a few functions. `names`: number of the slot of
 * each field that may stand in it; `numbers`: what else has a name. It is compiled once; a payload cannot make it longer, deeper or slower.
 */
export function compileFormula(text: string, names: ReadonlyMap<string, number>, numbers: ReadonlyMap<string, number>): Compiled<Formula> {
  if (text.length > LONGEST) {
    return refused(`the formula is longer than ${LONGEST} characters`);
  }
  try {
    return compiled(new Parser(text, names, numbers).whole());
  } catch (error) {
    if (error instanceof Wrong) {
      return refused(error.message);
    }
    throw error;
  }
}

class Parser {
  private readonly text: string;
  private readonly names: ReadonlyMap<string, number>;
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly tokens: string[] = [];
  private at = 0;
  private depth = 0;

  constructor(text: string, names: ReadonlyMap<string, number>, numbers: ReadonlyMap<string, number>) {
    this.text = text;
    this.names = names;
    this.numbers = numbers;
    TOKEN.lastIndex = 0;
    while (text.slice(TOKEN.lastIndex).trim() !== '') {
      const from = TOKEN.lastIndex;
      const found = TOKEN.exec(text);
      if (found === null) throw new Wrong(`formula "${text}" cannot be read at position ${from}`);
      this.tokens.push(found[1] ?? found[2] ?? (found[3] as string));
    }
  }

  whole(): Formula {
    const formula = this.choice();
    if (this.at < this.tokens.length) throw this.wrong();
    return formula;
  }

  private wrong(): Wrong {
    const token = this.tokens[this.at];
    return new Wrong(`formula "${this.text}": ${token === undefined ? 'something is missing at the end' : `"${token}" does not belong there`}`);
  }

  private take(...wanted: string[]): string | undefined {
    const token = this.tokens[this.at];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.at += 1;
    return token;
  }

  private expect(token: string): void {
    if (this.take(token) === undefined) throw this.wrong();
  }

  private choice(): Formula {
    this.depth += 1;
    if (this.depth > DEEPEST) throw new Wrong(`formula "${this.text}" is nested too deeply`);
    const condition = this.comparison();
    let formula = condition;
    if (this.take('?') !== undefined) {
      const then = this.choice();
      this.expect(':');
      const other = this.choice();
      formula = (x, slots) => {
        const holds = condition(x, slots);
        if (Number.isNaN(holds)) return Number.NaN;
        return holds !== 0 ? then(x, slots) : other(x, slots);
      };
    }
    this.depth -= 1;
    return formula;
  }

  /** 1 for true, 0 for false; with a side that is no number no answer. */
  private comparison(): Formula {
    const left = this.sum();
    const operator = this.take(...Object.keys(COMPARE));
    if (operator === undefined) return left;
    const right = this.sum();
    const compare = COMPARE[operator] as (a: number, b: number) => boolean;
    return (x, slots) => {
      const a = left(x, slots);
      const b = right(x, slots);
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Number(compare(a, b));
    };
  }

  private sum(): Formula {
    let left = this.product();
    for (let operator = this.take('+', '-'); operator !== undefined; operator = this.take('+', '-')) {
      const [a, b] = [left, this.product()];
      left = operator === '+' ? (x, slots) => a(x, slots) + b(x, slots) : (x, slots) => a(x, slots) - b(x, slots);
    }
    return left;
  }

  private product(): Formula {
    let left = this.signed();
    for (let operator = this.take('*', '/', '%'); operator !== undefined; operator = this.take('*', '/', '%')) {
      const [a, b] = [left, this.signed()];
      if (operator === '*') left = (x, slots) => a(x, slots) * b(x, slots);
      else left = operator === '/' ? (x, slots) => a(x, slots) / b(x, slots) : (x, slots) => a(x, slots) % b(x, slots);
    }
    return left;
  }

  private signed(): Formula {
    this.depth += 1;
    if (this.depth > DEEPEST) throw new Wrong(`formula "${this.text}" is nested too deeply`);
    const minus = this.take('-') !== undefined;
    const inner = minus ? this.signed() : this.power();
    this.depth -= 1;
    return minus ? (x, slots) => -inner(x, slots) : inner;
  }

  private power(): Formula {
    const base = this.atom();
    if (this.take('^') === undefined) return base;
    const exponent = this.signed();
    return (x, slots) => base(x, slots) ** exponent(x, slots);
  }

  private atom(): Formula {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.wrong();
    if (token === '(') {
      this.at += 1;
      const inner = this.choice();
      this.expect(')');
      return inner;
    }
    if (/^\d/.test(token)) {
      this.at += 1;
      const number = Number(token);
      return () => number;
    }
    if (!/^\w/.test(token)) throw this.wrong();
    this.at += 1;
    return this.tokens[this.at] === '(' ? this.call(token) : this.variable(token);
  }

  private variable(name: string): Formula {
    const slot = this.names.get(name);
    if (slot !== undefined) return (_x, slots) => slots[slot] as number;
    if (name === 'x') return (x) => x;
    const number = this.numbers.get(name);
    if (number !== undefined) return () => number;
    const known = ['x', ...this.names.keys(), ...this.numbers.keys()].join(', ');
    throw new Wrong(`formula "${this.text}": there is no "${name}"; there are ${known}`);
  }

  private call(name: string): Formula {
    const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (found === undefined) throw new Wrong(`formula "${this.text}": there is no function "${name}"; there are ${FUNCTION_NAMES.join(', ')}`);
    const [count, apply] = found;
    this.expect('(');
    const args = [this.choice()];
    while (this.take(',') !== undefined) args.push(this.choice());
    this.expect(')');
    if (args.length !== count) throw new Wrong(`formula "${this.text}": ${name} takes ${count === 1 ? 'one number' : `${count} numbers`}`);
    return (x, slots) => apply(args.map((each) => each(x, slots)));
  }
}
