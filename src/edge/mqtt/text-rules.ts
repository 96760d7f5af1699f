/**
 * What MQTT forbids in texts, or lets a server refuse (1.5.3): NUL, control characters, non-characters. The replacement character stands
 * for bytes that were no UTF-8, which the parser does not tell; who writes it on purpose is refused with them.
 */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffd-\uffff]/;

export function isClean(text: string): boolean {
  return !FORBIDDEN.test(text);
}

/** Names of brokers' own business: what they tell about themselves, and are told (`$CONTROL` of mosquitto). Others belong to devices (`$aws/...`). */
const RESERVED = /^\$(?:SYS|CONTROL|share)(?:\/|$)/;

export type TopicFault = 'topic-invalid' | 'topic-reserved' | 'topic-too-long';

/** aedes and the trie under it know no more; a client that sends more is refused before they see it. */
const MAX_LEVELS = 100;

/** What is wrong with the topic of a message. */
export function topicFault(topic: string, maxBytes: number): TopicFault | undefined {
  // Fewer UTF-16 units than a third of the bound are surely within it.
  if (topic.length * 3 > maxBytes && Buffer.byteLength(topic) > maxBytes) return 'topic-too-long';
  if (topic.length === 0 || topic.includes('#') || topic.includes('+') || !isClean(topic) || tooDeep(topic)) return 'topic-invalid';
  return topic.charCodeAt(0) === 36 && RESERVED.test(topic) ? 'topic-reserved' : undefined;
}

function tooDeep(topic: string): boolean {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++;
  return levels > MAX_LEVELS;
}

/** Whether a topic filter is well-formed (4.7.1): wildcards fill a whole level, `#` the last one only. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || Buffer.byteLength(filter) > 65_535 || !isClean(filter) || tooDeep(filter)) return false;
  const levels = filter.split('/');
  return levels.every((level, at) => (level === '#' ? at === levels.length - 1 : level === '+' || !/[#+]/.test(level)));
}
