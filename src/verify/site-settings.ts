import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { loadSettings, type Problem, type Settings } from '../settings/load.ts';

/** The settings are wrong, or name a broker or port of their own. */
export class SiteSettingsError extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.name = 'SiteSettingsError';
    this.problems = problems;
  }
}

/** Throws `SiteSettingsError` where a gateway with these settings would go elsewhere than to the private broker. */
export async function readSiteSettings(file: string, amqpUrl: string, httpPort: number, managementUrl: string): Promise<Settings> {
  const env = { ...process.env, SLUICE_AMQP_URL: amqpUrl, SLUICE_HTTP_PORT: String(httpPort), SLUICE_MANAGEMENT_URL: managementUrl };
  const loaded = await loadSettings(file, env);
  if (!loaded.ok) throw new SiteSettingsError(`the settings ${file} are wrong`, loaded.problems);
  const { rabbitmq, http } = loaded.settings;
  // A gateway that went to another broker than ours would be tested on somebody's data.
  if (rabbitmq.urls.join(',') !== amqpUrl)
    throw new SiteSettingsError(`${file} names a broker of its own. For a private one write: rabbitmq: { url: \${SLUICE_AMQP_URL} }`);
  if (rabbitmq.management !== undefined && rabbitmq.management !== managementUrl)
    throw new SiteSettingsError(`${file} names a management API of its own. Write: rabbitmq: { management: \${SLUICE_MANAGEMENT_URL:-} }`);
  if (http.port !== httpPort) throw new SiteSettingsError(`${file} names an HTTP port of its own. Write: http: { port: \${SLUICE_HTTP_PORT} }`);
  return loaded.settings;
}

/**
 * A copy of a settings file that may be edited while a gateway goes by it. What stands beside the file, and is named in it by a
 * relative path, is linked beside the copy.
 */
export class SettingsCopy {
  readonly file: string;
  readonly original: string;

  /** `more`: sections that take the place of those in the file. */
  constructor(file: string, dir: string, more?: object) {
    const folder = join(dir, 'settings');
    mkdirSync(folder, { mode: 0o700 });
    const [from, name] = [dirname(file), basename(file)];
    for (const other of readdirSync(from)) if (other !== name) symlinkSync(join(from, other), join(folder, other));
    this.file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    // JSON is YAML.
    this.original = more === undefined ? text : JSON.stringify({ ...(parse(text) as object), ...more }, undefined, 2);
    this.write(this.original);
  }

  /** In one step, as careful editors do. */
  write(text: string): void {
    const next = `${this.file}.next`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, this.file);
  }
}
