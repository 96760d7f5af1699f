import { emptyBag } from '../domain/bag.ts';
import { MAX_NAME } from '../domain/flatten.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Value } from '../domain/reading.ts';
import type { NamedSource } from '../domain/values-plan.ts';
import { readSource, type TopicEntry } from './profile-topics.ts';
import type { Recipe, Said } from './recipes.ts';

type Texts = Readonly<Record<string, string>>;

/**
 * The tags of topic and payload, or a sentence about the one that cannot be a tag. `given`: what the payload itself calls tags; those
 * that the profile names win. Devices say the same again and again: then the tags are those of the last reading, the same object.
 */
export function tagsOf(entry: TopicEntry, given: Readonly<Record<string, Value>> | undefined, own: Document, whole: Document): Texts | string | undefined {
  const { kind, said } = entry;
  const { payloadTags } = kind.recipe;
  if (given === undefined) {
    if (payloadTags.length === 0) return kind.tags;
    if (said !== undefined && saysAgain(entry, said.values, own, whole)) return said.tags;
  }
  const tags = emptyBag<string>();
  const values: (Document | undefined)[] = [];
  for (const name in given) {
    const text = String(given[name]);
    if (text.length > MAX_NAME) return `tag "${name}" is longer than ${MAX_NAME} characters`;
    tags[name] = text;
  }
  for (const name in kind.tags) tags[name] = kind.tags[name] as string;
  for (const { name, source } of payloadTags) {
    const found = readSource(source, entry, own, whole);
    values.push(found);
    if (found === undefined || found === null) continue;
    if (typeof found === 'object') return `tag "${name}" is an object or array`;
    const text = String(found);
    if (text.length > MAX_NAME) return `tag "${name}" is longer than ${MAX_NAME} characters`;
    tags[name] = text;
  }
  for (const _ in tags) {
    const { recipe } = kind;
    const shared = recipe.tags.of(tags);
    // Where they are small enough to be kept, so is what they were made of.
    entry.said = given === undefined && recipe.tags.keeps(shared) ? saidOf(recipe, values, shared) : undefined;
    return shared;
  }
  return undefined;
}

/** One record for all topics whose payloads say this. */
function saidOf({ said }: Recipe, values: readonly (Document | undefined)[], tags: Texts): Said {
  const known = said.get(tags);
  // Not always: the number 1 and the text "1" come to the same tag.
  if (known?.values.every((value, i) => value === values[i]) === true) return known;
  const made = { values, tags };
  said.set(tags, made);
  return made;
}

function saysAgain(entry: TopicEntry, values: readonly (Document | undefined)[], own: Document, whole: Document): boolean {
  const { payloadTags } = entry.kind.recipe;
  for (let i = 0; i < payloadTags.length; i += 1) {
    const { source } = payloadTags[i] as NamedSource;
    if (readSource(source, entry, own, whole) !== values[i]) return false;
  }
  return true;
}
