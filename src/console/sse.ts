export interface SseEvent {
  readonly name: string;
  readonly data: string;
}

/** Most characters of one event; a server that never ends one is not ours. */
const MOST = 4_000_000;

/** Server-sent events out of a stream of text (HTML standard, 9.2.6), cut anywhere. Ids are not kept: nothing here is resumed. */
export class SseParser {
  private rest = '';
  private name = '';
  private data: string[] = [];
  private size = 0;
  /** What the server asks to wait before the next attempt, in milliseconds. */
  retryMs: number | undefined;

  feed(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    const text = this.rest + chunk;
    const line = /\r\n|\n|\r(?!$)/g;
    let from = 0;
    for (let end = line.exec(text); end !== null; end = line.exec(text)) {
      this.take(text.slice(from, end.index), events);
      from = line.lastIndex;
    }
    this.rest = text.slice(from);
    if (this.rest.length + this.size > MOST) throw new Error('an event without an end');
    return events;
  }

  private take(line: string, events: SseEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push({ name: this.name === '' ? 'message' : this.name, data: this.data.join('\n') });
      this.name = '';
      this.data = [];
      this.size = 0;
      return;
    }
    const colon = line.indexOf(':');
    // A comment: the server is alive.
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') this.name = value;
    else if (field === 'retry' && /^\d{1,7}$/.test(value)) this.retryMs = Number(value);
    else if (field === 'data') {
      this.data.push(value);
      this.size += value.length;
    }
  }
}
