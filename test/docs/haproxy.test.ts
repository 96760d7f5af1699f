import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfiguration, HAPROXY, SHIPPED, withAddresses } from '../support/haproxy.ts';

const MAIN = readFileSync(join(SHIPPED, 'haproxy.cfg'), 'utf8');
const TLS = readFileSync(join(SHIPPED, 'tls.cfg'), 'utf8');

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of a timeout in `defaults`. */
function timeout(name: string): number {
  const [, number = '', unit = ''] = new RegExp(`^  timeout ${name} (\\d+)([smh])$`, 'm').exec(MAIN) ?? [];
  return Number(number) * (UNITS[unit] ?? Number.NaN);
}

const backends = `${MAIN}\n${TLS}`
  .split(/^backend /m)
  .slice(1)
  .map((text) => text.split(/^(?:frontend|#)/m)[0] ?? '');

describe('docker/haproxy', () => {
  it('does not cut a connection that is silent for as long as MQTT allows', () => {
    // MQTT 3.1.1, 3.1.2.10: at most 65535 s between two packets; the broker gives up at one and a half times of it.
    expect(timeout('tunnel')).toBeGreaterThan(1.5 * 65_535);
    // In place of both once the connection stands (HAProxy's manual, "timeout tunnel"), so these may be short.
    expect(timeout('client')).toBeLessThan(timeout('tunnel'));
    expect(timeout('server')).toBeLessThan(timeout('tunnel'));
    expect(MAIN).toMatch(/^ {2}option clitcpka$/m);
    expect(MAIN).toMatch(/^ {2}option srvtcpka$/m);
  });

  it('asks every node once for an answer of AMQP, and goes by it for all doors; management for one over HTTP', () => {
    expect(backends.length).toBe(7);
    const servers = (backend: string): string[] => [...backend.matchAll(/^ {2}server (.*)$/gm)].map(([, server = '']) => server.replace(/:\d+/, ''));
    for (const backend of backends) {
      const checked = /^(amqp|management)$/m.test(backend.split('\n')[0] ?? '');
      expect(servers(backend)).toEqual([1, 2, 3].map((node) => `rabbit-${node} rabbit-${node} ${checked ? 'check' : `track amqp/rabbit-${node}`}`));
    }
    expect(backends[0]).toMatch(/tcp-check send-binary 414d515000000901\n {2}tcp-check expect binary 01\n/);
    expect(Buffer.from('414d515000000901', 'hex').toString('latin1')).toBe('AMQP\0\0\t\u0001');
    expect(backends.find((backend) => backend.startsWith('management'))).toMatch(/option httpchk GET \//);
    expect(MAIN).toMatch(/^ {2}default-server .*on-marked-down shutdown-sessions/m);
    // A door that refuses is tried elsewhere.
    expect(MAIN).toMatch(/^ {2}option redispatch\n {2}retries 3$/m);
    expect(MAIN).toMatch(/^ {2}balance leastconn$/m);
  });

  it('listens on the ports that devices and consumers know', () => {
    const ports = (text: string): number[] => [...text.matchAll(/^ {2}bind :(\d+)$/gm)].map(([, port]) => Number(port));
    expect(ports(MAIN)).toEqual([5672, 1883, 15675, 15672, 8404]);
    expect(ports(TLS)).toEqual([5671, 8883, 15676]);
  });

  it('is changed in its addresses alone for a test', () => {
    expect(withAddresses('  bind :1\n  server a b:2 check\n  timeout x 1\n', { ':1': '127.0.0.1:3', 'b:2': '127.0.0.1:4' })).toBe(
      '  bind 127.0.0.1:3\n  server a 127.0.0.1:4 check\n  timeout x 1\n',
    );
    expect(() => withAddresses('  bind :1\n', {})).toThrow('no address');
  });

  it.skipIf(!HAPROXY)('is taken by HAProxy, with and without TLS', { timeout: 120_000 }, async () => {
    const files = [join(SHIPPED, 'haproxy.cfg'), join(SHIPPED, 'tls.cfg')];
    for (const some of [files.slice(0, 1), files]) {
      const { code, output } = await checkConfiguration(some);
      // Names of containers are not known here; it says so, and asks again later.
      const said = output.split('\n').filter((line) => /ALERT|WARNING/.test(line) && !line.includes('could not resolve address'));
      expect({ code, said }).toEqual({ code: 0, said: [] });
    }
  });
});
