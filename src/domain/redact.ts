/**
 * Takes the password out of every URL in a text: `amqp://user:secret@host` becomes `amqp://user:***@host`.
 * Error texts of clients quote the URL that they were given, and what is logged or shown must hold no secret.
 * A raw `@` in the password is covered (everything up to the last `@` before the path). Linear in the length of the text.
 */
export function redactCredentials(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(/:\/\/([^\s/:@"]*):[^\s/"]*@/g, '://$1:***@');
}
