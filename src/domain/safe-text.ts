/**
 * Characters that may not reach a terminal or a line-based tool raw, beyond those that JSON itself escapes: C1 controls
 * and DEL (0x9B is a terminal escape introducer), line and paragraph separator, marks that turn the direction of text
 * (a topic could show as another one), zero-width and byte-order marks.
 */
const UNSAFE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Makes JSON text safe to show. In JSON those characters occur only inside strings, where `\uXXXX` means the
 * same: nothing is lost, and a parser gives the original text.
 */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, escaped);
}

/** Makes any text safe to show on one line of a terminal. */
export function safeText(text: string): string {
  return text.replace(CONTROL, escaped);
}
