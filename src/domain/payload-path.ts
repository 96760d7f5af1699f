import { BoundedCache } from './bounded-cache.ts';
import { type Compiled, compiled, refused } from './compiled.ts';

/** What a codec makes of a payload: JSON's values, and exact integers beyond 2^53. Records hold own properties only. */
export type Document = null | boolean | number | bigint | string | readonly Document[] | { readonly [name: string]: Document };

/** A place in the payload. `own`: counted from the reading's own object; `whole`: from the payload. */
export interface PayloadPath {
  readonly kind: 'path';
  readonly root: 'own' | 'whole';
  readonly steps: readonly Step[];
}

/** `name` steps go into objects only, `index` steps into arrays only. `inherited`: Object.prototype has that name too. */
interface Step {
  readonly name: string | undefined;
  readonly index: number;
  readonly inherited: boolean;
}

/** Literal text and captures in turn: literals[0] names[0] literals[1] ... ; always one literal more than names. */
export interface CaptureTemplate {
  readonly kind: 'template';
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

export type CompiledSource = PayloadPath | CaptureTemplate;

// `.name`, `[0]` or `["any JSON string"]`.
const STEP = /\.([^.[\]"\s]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;

function step(name: string): Step {
  return { name, index: -1, inherited: name in Object.prototype };
}

function compilePath(text: string): Compiled<PayloadPath> {
  const whole = text.startsWith('$$');
  const steps: Step[] = [];
  STEP.lastIndex = whole ? 2 : 1;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const found = STEP.exec(text);
    if (found === null) {
      return refused(`path "${text}" cannot be read at position ${at}; steps are .name, [0] or ["any name"]`);
    }
    const [, name, index, quoted] = found;
    if (name !== undefined) {
      steps.push(step(name));
    } else if (index !== undefined) {
      steps.push({ name: undefined, index: Number(index), inherited: false });
    } else {
      try {
        steps.push(step(JSON.parse(quoted as string) as string));
      } catch {
        return refused(`path "${text}": ${quoted} is not a JSON string`);
      }
    }
  }
  return compiled({ kind: 'path', root: whole ? 'whole' : 'own', steps });
}

function compileTemplate(text: string): Compiled<CaptureTemplate> {
  if (text === '') {
    return refused('the source is empty');
  }
  const literals: string[] = [];
  const names: string[] = [];
  for (const [i, piece] of text.split(/\{([A-Za-z_][A-Za-z0-9_-]*)\}/).entries()) {
    if (i % 2 === 1) {
      names.push(piece);
    } else if (/[{}]/.test(piece)) {
      return refused(`"${text}": a brace that does not belong to a capture; captures look like {device}`);
    } else {
      literals.push(piece);
    }
  }
  return compiled({ kind: 'template', literals, names });
}

/** Profiles look at the same places: each is compiled, and held, once. */
const known = new BoundedCache<Compiled<CompiledSource>>(10_000, 256);

/** Compiles a `Source` of a profile: see src/domain/profile.ts for what it may be. */
export function compileSource(text: string): Compiled<CompiledSource> {
  return known.getOrMake(text, text.startsWith('$') ? compilePath : compileTemplate);
}

/** What stands at the path; undefined where there is nothing. Never reads an inherited property. */
export function readPath(path: PayloadPath, own: Document, whole: Document): Document | undefined {
  let at: Document | undefined = path.root === 'own' ? own : whole;
  const { steps } = path;
  for (let i = 0; i < steps.length; i += 1) {
    if (typeof at !== 'object' || at === null) {
      return undefined;
    }
    const { name, index, inherited } = steps[i] as Step;
    if (Array.isArray(at)) {
      at = name === undefined ? (at as readonly Document[])[index] : undefined;
    } else if (name === undefined || (inherited && !Object.hasOwn(at, name))) {
      return undefined;
    } else {
      at = (at as { readonly [name: string]: Document })[name];
    }
  }
  return at;
}

/** The text with its captures filled in, flat: it may be kept for long. undefined where one is missing or empty. */
export function renderTemplate({ literals, names }: CaptureTemplate, captures: Readonly<Record<string, string>>): string | undefined {
  const parts = [literals[0] as string];
  for (let i = 0; i < names.length; i += 1) {
    const text = captures[names[i] as string];
    if (text === undefined || text === '') {
      return undefined;
    }
    parts.push(text, literals[i + 1] as string);
  }
  return parts.join('');
}
