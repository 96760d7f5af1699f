/** A filter as its levels. Empty levels are levels (MQTT-4.7.3). */
export type Levels = readonly string[];

export function levelsOf(text: string): Levels {
  return text.split('/');
}

/**
 * Whether a topic matches a filter (MQTT 4.7). `#` stands for the level above as well (`a/#` matches `a`); a filter that begins
 * with a wildcard matches nothing that begins with `$` (MQTT-4.7.2-1). Any text is taken for a filter: this never throws.
 */
export function matches(filter: Levels, topic: string): boolean {
  const first = filter[0];
  if ((first === '+' || first === '#') && topic.startsWith('$')) return false;
  // Of each message that is published: no level becomes a text of its own.
  let at = 0;
  for (const level of filter) {
    if (level === '#') return true;
    if (at > topic.length) return false;
    const slash = topic.indexOf('/', at);
    const end = slash === -1 ? topic.length : slash;
    if (level !== '+' && (level.length !== end - at || !topic.startsWith(level, at))) return false;
    at = end + 1;
  }
  return at > topic.length;
}

/** Whether every topic that matches `inner` matches `outer`. Both are filters without `$` at their beginning. */
export function covers(outer: Levels, inner: Levels): boolean {
  for (let i = 0; i < outer.length; i += 1) {
    const level = outer[i] as string;
    if (level === '#') return true;
    const asked = inner[i];
    if (asked === undefined || asked === '#' || (level !== '+' && level !== asked)) return false;
    if (i === inner.length - 1 && outer.length === i + 2 && outer[i + 1] === '#') return true;
  }
  return outer.length === inner.length;
}

/** Why this is no filter (MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.3-1), as the end of a sentence. */
export function filterProblem(filter: string): string | undefined {
  if (filter === '') return 'is empty';
  if (/\p{Cc}/u.test(filter)) return 'holds a control character, which no topic may hold';
  const levels = levelsOf(filter);
  if (levels.some((level) => level.length > 1 && /[+#]/.test(level))) return 'has + or # in a level with other characters; each must fill a level of its own';
  const rest = levels.indexOf('#');
  return rest !== -1 && rest !== levels.length - 1 ? 'has # before its last level' : undefined;
}
