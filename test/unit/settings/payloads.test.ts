import { describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { linesOf, load, settingsOf } from './workbench.ts';

const REST = `exchanges: [{ name: out }]
queues: [{ name: kept, bindings: [{ exchange: out, routingKey: '#' }] }]
routes: [{ name: all, exchange: out }]
`;
const PROBE = `name: probe
frames:
  - fields: { t: { read: i16, value: x / 10 } }
`;
const options = { codecs: defaultCodecs() };
const lines = async (text: string, files: Record<string, string> = {}): Promise<string[]> => linesOf(text + REST, { files, options });

/** Layouts of the first profile, by device. */
async function layouts(text: string, files: Record<string, string> = {}, payload?: string): Promise<Record<string, string>> {
  const result = await load(text + REST, { files, options: { ...options, payload } });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return Object.fromEntries(Object.entries(result.settings.profiles[0]?.payload ?? {}).map(([device, layout]) => [device, layout.name]));
}

describe('layouts of payloads in the settings', () => {
  it('are named where a shipped profile is used: one for all, or by device', async () => {
    expect(await layouts('useProfiles: [ttn-v3]\n')).toEqual({});
    expect(await layouts('useProfiles: [{ name: ttn-v3 }]\n')).toEqual({});
    expect(await layouts('useProfiles: [{ name: ttn-v3, payload: elsys }]\n')).toEqual({ '**': 'elsys' });
    expect(await layouts("useProfiles: [{ name: ttn-v3, payload: { 'ers-*': elsys, '**': cayenne-lpp } }]\n")).toEqual({
      'ers-*': 'elsys',
      '**': 'cayenne-lpp',
    });
    expect(await layouts('useProfiles: [milesight]\n')).toEqual({ '**': 'milesight' });
    expect(await layouts("useProfiles: [{ name: milesight, payload: { 'a*': milesight-am102 } }]\n")).toEqual({ 'a*': 'milesight-am102' });
  });

  it('may be those of the user, which go before shipped ones of the same name', async () => {
    expect(await layouts('payloadFiles: [my/*.yaml]\nuseProfiles: [{ name: loriot, payload: probe }]\n', { 'my/probe.yaml': PROBE })).toEqual({
      '**': 'probe',
    });
    const { profiles } = await settingsOf(`payloadFiles: [e.yaml]\nuseProfiles: [{ name: loriot, payload: elsys }]\n${REST}`, {
      files: { 'e.yaml': PROBE.replace('probe', 'elsys') },
    });
    expect(profiles[0]?.payload?.['**']?.frames).toHaveLength(1);
    expect(Object.keys(profiles[0]?.payload?.['**']?.frames[0]?.fields ?? {})).toEqual(['t']);
  });

  it('may extend others, and give their parameters', async () => {
    const mine = 'name: mine\nextends: decentlab-dl-pr36\nparameters: { kp: 4096 }\n';
    const { profiles } = await settingsOf(`payloadFiles: [mine.yaml]\nuseProfiles: [{ name: loriot, payload: mine }]\n${REST}`, {
      files: { 'mine.yaml': mine },
    });
    expect(profiles[0]?.payload?.['**']).toMatchObject({ name: 'mine', parameters: { kp: 4096 } });
    expect(await lines('useProfiles: [{ name: loriot, payload: decentlab-dl-pr36 }]\n')).toEqual([
      '1:40 error useProfiles[0].payload: layout "decentlab-dl-pr36" needs kp: they differ from device to device',
    ]);
  });

  it('may be named for all profiles that can have one, from outside', async () => {
    expect(await layouts('useProfiles: [ttn-v3]\n', {}, 'elsys')).toEqual({ '**': 'elsys' });
    expect(await layouts('useProfiles: [tasmota]\n', {}, 'elsys')).toEqual({});
    await expect(layouts('useProfiles: [ttn-v3]\n', {}, 'elsy')).rejects.toThrow('there is no layout "elsy"');
  });

  it('that do not exist are told, where they stand', async () => {
    expect(
      await lines("useProfiles: [tasmota, { name: ttn-v3, payload: { 'a*': elsy, b: elsys } }, { name: shelly-gen1, payload: elsys }, { name: ttn }]\n"),
    ).toEqual([
      '1:57 error useProfiles[1].payload["a*"]: there is no layout "elsy"',
      '1:107 error useProfiles[2].payload: profile "shelly-gen1" does not say where the bytes of a device stand',
      '1:124 error useProfiles[3].name: no profile "ttn" comes with Sluice',
    ]);
    expect(await lines(`profiles:\n  - { name: p, topics: [x], device: d, payload: nix, payloadAt: { bytes: $.b, decoded: [$.o] } }\n`)).toEqual([
      '2:49 error profiles[0].payload: there is no layout "nix"',
    ]);
    expect(await lines(`profiles:\n  - { name: p, topics: [x], device: d, payload: elsys }\n`)).toEqual([
      '2:49 error profiles[0].payload: nothing says where the bytes of the device stand: `payloadAt` is needed',
    ]);
  });

  it('with mistakes are told with file, line and column, all at once', async () => {
    const bad = `name: bad
endian: middle
frames:
  - when: { length: [5, 4] }
    fields:
      a: u9
      b: { read: u8, value: x / c, sentinel: 3 }
  - elements:
      '0z': { a: u8 }
`;
    expect(await lines('payloadFiles: [bad.yaml]\n', { 'bad.yaml': bad })).toEqual([
      'bad.yaml:2:9 error endian: must be one of big, little, not "middle"',
      'bad.yaml:7:36 error frames[0].fields.b.sentinel: unknown key "sentinel"',
    ]);
    expect(await lines('payloadFiles: [bad.yaml]\n', { 'bad.yaml': bad.replace('middle', 'big').replace(', sentinel: 3', '') })).toEqual([
      'bad.yaml:4:21 error frames[0].when.length: must be one number of bytes, or the least and the most: [4, 8]',
      'bad.yaml:6:10 error frames[0].fields.a: "u9" is none of u8 to u48, i8 to i48, f32, f64 (with le or be behind), hexN, textN, skipN',
      'bad.yaml:7:29 error frames[0].fields.b.value: formula "x / c": there is no "c"; there are x, a',
      `bad.yaml:9:13 error frames[1].elements["0z"]: "0z" is no key: one to four bytes in hexadecimal, ?? for any, in quotes: '0367'`,
    ]);
  });

  it('cannot extend themselves, have one name twice, or be empty', async () => {
    expect(await lines('payloadFiles: [a.yaml, b.yaml]\n', { 'a.yaml': 'name: a\nextends: b\n', 'b.yaml': 'name: b\nextends: a\n' })).toEqual([
      'b.yaml:2:10 error extends: layout "a" extends itself: a, b, a',
    ]);
    expect(await lines('payloadFiles: [a.yaml, b.yaml]\n', { 'a.yaml': PROBE, 'b.yaml': PROBE })).toEqual([
      'b.yaml:1:7 error name: the name "probe" is taken already',
    ]);
    expect(await lines('payloadFiles: [a.yaml]\n', { 'a.yaml': 'name: a\n' })).toEqual(['a.yaml:1:1 error frames: at least one is needed']);
    expect(await lines('payloadFiles: [none.yaml]\n')).toEqual([
      expect.stringMatching(/^1:16 error payloadFiles\[0\]: cannot read .*none\.yaml: there is no such file$/),
    ]);
  });
});
