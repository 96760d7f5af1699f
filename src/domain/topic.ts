import { excerpt } from './excerpt.ts';

/**
 * MQTT-3.3.2-2: no wildcards in a published topic. MQTT-1.5.4-2 and section 1.5.4: no U+0000, and a receiver may refuse
 * the other control characters. U+FFFD is what is left of bytes that were not UTF-8; two such names would be one.
 */
const UNFIT = /[\p{Cc}\p{Cs}\ufffd+#]/u;

/** Why no device may have this topic; undefined when it may. Empty levels and slashes at the ends are legal (MQTT-4.7.3). */
export function topicProblem(topic: string): string | undefined {
  if (topic === '') {
    return 'the topic is empty';
  }
  const found = UNFIT.exec(topic);
  if (found === null) {
    return undefined;
  }
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `the topic "${excerpt(topic)}" holds U+${code} at position ${found.index}`;
}
