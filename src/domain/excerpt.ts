/** Control characters (C0, DEL, C1), line separators, bidirectional overrides and lone surrogates: what may not reach a log line raw. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Cs}]/gu;

/** `text` for a person, on one line: cut to `max` characters, with what could forge or garble a log line written as `\u{..}`. */
export function excerpt(text: string, max = 80): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The first line of what an error says: CEL's messages go on with a picture of the expression. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
