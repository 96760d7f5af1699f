// Runs before `npm start` and `npm test`, on a fresh clone too: Node built-ins only, and nothing here may need a build.
// Quick when everything is there: about 0.1 s, no npm, no compiler.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`sluice needs Node.js 20.19 or newer; this is ${process.versions.node} (${process.execPath}). https://nodejs.org/en/download`);
  process.exit(1);
}

// Only now: an older Node could stumble over the syntax of these.
const { SetupError, say } = await import('./say.mjs');
const { dependenciesCurrent, installDependencies } = await import('./dependencies.mjs');
const { buildCurrent, build } = await import('./build.mjs');
const { provideBroker, brokerAtHand } = await import('./rabbitmq.mjs');
const { providePrometheus, prometheusFolder } = await import('./prometheus.mjs');
const { provideChromium, chromiumPath } = await import('./chromium.mjs');
const { provideHaproxy, haproxyHere } = await import('./haproxy.mjs');
const { lockHolder, withLock } = await import('./lock.mjs');

const LOCK = join(ROOT, '.sluice', 'setup.lock');
/** Long enough for a slow network and a package installation of another run. */
const LOCK_WAIT_MS = 15 * 60_000;

/** `npm start` needs neither Prometheus nor HAProxy, and no browser. */
const forTests = process.argv[2] === 'test';
const equipped = () =>
  !forTests || (prometheusFolder(ROOT, process.env) !== undefined && haproxyHere(ROOT, process.env) !== undefined && chromiumPath(process.env) !== undefined);
const current = () => dependenciesCurrent(ROOT) && buildCurrent(ROOT) && brokerAtHand(process.env) && equipped();

try {
  if (process.platform === 'win32') throw new SetupError('Windows itself is not supported: use WSL 2 (wsl --install), and run this inside it');
  if (lockHolder(LOCK) !== undefined || !current()) {
    await withLock(LOCK, LOCK_WAIT_MS, async () => {
      // The other run may have done it all meanwhile: each step looks again.
      if (!dependenciesCurrent(ROOT)) await installDependencies(ROOT);
      if (!buildCurrent(ROOT)) await build(ROOT);
      await provideBroker(process.env);
      if (forTests) {
        await providePrometheus(ROOT, process.env);
        await provideChromium(process.env);
        await provideHaproxy(ROOT, process.env);
      }
    });
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
