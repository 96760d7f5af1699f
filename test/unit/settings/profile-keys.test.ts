import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { shippedNames } from '../../../src/settings/shipped.ts';
import { GOOD, linesOf, load, problemsOf, settingsOf } from './workbench.ts';

const options = { codecs: defaultCodecs() };
/** The profile of GOOD with further keys, from line 5 on. */
const withKeys = (keys: string): string => GOOD.replace("    device: '{device}'\n", `    device: '{device}'\n${keys.replace(/^/gm, '    ')}\n`);
const lines = async (keys: string): Promise<string[]> => linesOf(withKeys(keys), { options });

describe('keys of a profile', () => {
  it('all of them at once', async () => {
    const { profiles } = await settingsOf(
      withKeys(`codec: [json, scalar]
codecOptions: { scalar: { words: true } }
encodings: [gzip, zstd]
ignore: ['d/+/state', 'cmnd/#']
ignoreWhen: [{ at: $.type, is: [join, 7, true] }, { at: $.config, exists: false }]
time: { from: $.t, unit: auto }
values: [$.a, $.b]
scalar: '{device}'
units: { t: Cel, 'x.*': $.unit }
unitsFrom: $.units
unitNames: { F: '[degF]' }
tagsFrom: $.tags
flagsFrom: $.flags
rename: { 'S.**': '{1}' }
map: { state: { ON: true, OFF: false, 1: one } }
missing: [nan, '']
textNumbers: { 'a.*': unit }
sentinels: { t: [85, -127] }
ranges: { t: [-40, 85.5] }
convert: { t_F: { from: '[degF]', to: Cel } }
devices: { 'hall/*': { units: { t: K }, convert: { p: { from: kWh, to: J } }, textNumbers: plain } }
types: flag`),
      { options },
    );
    expect(profiles[0]).toMatchObject({
      codec: ['json', 'scalar'],
      codecOptions: { scalar: { words: true } },
      encodings: ['gzip', 'zstd'],
      ignore: ['d/+/state', 'cmnd/#'],
      ignoreWhen: [
        { at: '$.type', is: ['join', 7, true] },
        { at: '$.config', exists: false },
      ],
      values: ['$.a', '$.b'],
      map: { state: { ON: true, OFF: false, '1': 'one' } },
      textNumbers: { 'a.*': 'unit' },
      convert: { t_F: { from: '[degF]', to: 'Cel', factor: expect.closeTo(5 / 9, 12), offset: expect.closeTo(-160 / 9, 9) } },
      devices: { 'hall/*': { units: { t: 'K' }, textNumbers: 'plain', convert: { p: { factor: 3_600_000, offset: 0 } } } },
      types: 'flag',
    });
  });

  it('name/value pairs are told by exactly their keys', async () => {
    const of = async (values: string) => (await settingsOf(withKeys(`values: ${values}`))).profiles[0];
    expect(await of('{ each: $.l, name: $.n, value: $.v }')).toMatchObject({ values: '$', pairs: { each: '$.l', name: '$.n', value: '$.v', unit: undefined } });
    expect(await of('{ each: $.l, name: $.n, value: $.v, unit: $.u }')).toMatchObject({ pairs: { unit: '$.u' } });
    expect((await of('{ each: $.l, name: $.n, value: $.v, more: $.m }'))?.pairs).toBeUndefined();
    expect((await of('{ name: $.n, value: $.v }'))?.pairs).toBeUndefined();
  });

  it.each<[string, string]>([
    ["ignore: ['a/#/b']", '5:14 error profiles[0].ignore[0]: topic template "a/#/b": # may only be the last level'],
    ['ignoreWhen: [{ at: $.a }]', '5:18 error profiles[0].ignoreWhen[0]: says nothing: `is` or `exists` is needed'],
    ['ignoreWhen: [{ at: x, exists: true }]', '5:24 error profiles[0].ignoreWhen[0].at: "x" is not a path; paths begin with $'],
    ['ignoreWhen: [{ at: $.a, is: [] }]', '5:33 error profiles[0].ignoreWhen[0].is: must not be empty'],
    ['codec: [json, jsn]', '5:19 error profiles[0].codec[1]: codec "jsn" is not known'],
    ['codec: []', '5:12 error profiles[0].codec: must not be empty'],
    ['codec: { a: b }', '5:12 error profiles[0].codec: must be a text or a list, not a mapping'],
    ['codecOptions: { strict: true }', '5:29 error profiles[0].codecOptions.strict: this codec has no options'],
    ['codecOptions: [1]', '5:19 error profiles[0].codecOptions: must be a mapping, not a list'],
    [
      'codec: [json, scalar]\ncodecOptions: { words: true }',
      '6:28 error profiles[0].codecOptions.words: is none of the codecs; where there are several, options stand below the name of theirs: json, scalar',
    ],
    ['encodings: [brotli]', '5:17 error profiles[0].encodings[0]: must be one of gzip, deflate, zstd, not "brotli"'],
    ['time: { from: $.t, unit: h }', '5:30 error profiles[0].time.unit: must be one of iso, s, ms, us, ns, auto, uptime, not "h"'],
    ['values: [$.a, b]', '5:19 error profiles[0].values[1]: "b" is not a path; paths begin with $'],
    ['values: { each: l, name: $.n, value: $.v }', '5:21 error profiles[0].values.each: "l" is not a path; paths begin with $'],
    ['values: { each: $.l, name: $.n[, value: $.v }', '5:13 error : '],
    ["scalar: '{sensor}'", '5:13 error profiles[0].scalar: no topic template captures {sensor}'],
    ["values: { '{sensor}': $.v }", '5:27 error profiles[0].values["{sensor}"]: no topic template captures {sensor}'],
    ['unitsFrom: units', '5:16 error profiles[0].unitsFrom: "units" is not a path; paths begin with $'],
    ['units: { t: $.a[ }', '5:13 error : '],
    ["units: { t: '$.a[' }", '5:17 error profiles[0].units.t: path "$.a[" cannot be read at position 3; steps are .name, [0] or ["any name"]'],
    ["rename: { '*.t': '{2}' }", '5:22 error profiles[0].rename["*.t"]: "{2}": there is no {2}: "*.t" has one star'],
    ["rename: { a: 'x{y}' }", '5:18 error profiles[0].rename.a: "x{y}": captures look like {1}, and a new name has no *'],
    ["rename: { a: '' }", '5:18 error profiles[0].rename.a: must not be empty'],
    ['map: { state: {} }', '5:19 error profiles[0].map.state: the table is empty'],
    ['map: { state: { ON: [1] } }', '5:25 error profiles[0].map.state.ON: must be a text or a number or true or false, not a list'],
    ['sentinels: { t: 85 }', '5:21 error profiles[0].sentinels.t: must be a list, not a single value'],
    ['sentinels: { t: [] }', '5:21 error profiles[0].sentinels.t: must not be empty'],
    ["sentinels: { t: ['85'] }", '5:22 error profiles[0].sentinels.t[0]: must be a number, not "85"'],
    ['ranges: { t: [85, -40] }', '5:18 error profiles[0].ranges.t: must be two numbers, the lower one first: [-40, 85]'],
    ['ranges: { t: [1, 2, 3] }', '5:18 error profiles[0].ranges.t: must be two numbers, the lower one first: [-40, 85]'],
    ['textNumbers: all', '5:18 error profiles[0].textNumbers: must be one of none, plain, unit, not "all"'],
    ['textNumbers: { a: all }', '5:23 error profiles[0].textNumbers.a: must be one of none, plain, unit, not "all"'],
    ['convert: { t: { from: m, to: s } }', '5:19 error profiles[0].convert.t: m cannot be converted to s: they measure different things'],
    ["convert: { t: { from: '°F', to: Cel } }", '5:27 error profiles[0].convert.t.from: "°F" is no unit'],
    ['convert: { t: { from: Cel, to: bogus } }', '5:36 error profiles[0].convert.t.to: "bogus" is no unit'],
    ["convert: { t: { from: dB, to: '1' } }", '5:19 error profiles[0].convert.t: dB to 1 is not a factor and an offset (a logarithm, perhaps)'],
    ['convert: { t: { from: Cel } }', '5:19 error profiles[0].convert.t.to: "to" is missing'],
    ['devices: { a: { rename: { x: "{1}" } } }', '5:34 error profiles[0].devices.a.rename.x: "{1}": there is no {1}: "x" has 0 stars'],
    [
      'devices: { a: { convert: { t: { from: m, to: K } } } }',
      '5:35 error profiles[0].devices.a.convert.t: m cannot be converted to K: they measure different things',
    ],
    ['devices: { a: { device: x } }', '5:21 error profiles[0].devices.a.device: unknown key "device"'],
    ['values: { a: $.a }\nranges: { b: [0, 1] }', '6:13 error profiles[0].ranges: no value is named "b"'],
    ['types: strict', '5:12 error profiles[0].types: must be one of any, flag, not "strict"'],
  ])('%s', async (keys, wanted) => {
    const found = await lines(keys);
    // What YAML itself refuses has a sentence and a place of the loader's, tested there.
    const syntax = wanted.endsWith(' error : ');
    expect(syntax ? found.map((line) => line.replace(/^\S+ error .*$/, wanted)) : found).toEqual([wanted]);
  });

  it('all problems at once', async () => {
    expect(
      await lines('ignore: [a/#/b]\nrename: { a: "{1}" }\nranges: { t: [2, 1] }\nconvert: { t: { from: m, to: s } }\ncodecOptions: { x: 1 }'),
    ).toHaveLength(5);
  });

  it('a template behind one that is ignored never gets a topic', async () => {
    expect(await lines("ignore: ['d/#']")).toEqual([expect.stringContaining('3:14 warning profiles[0].topics[0]: no topic gets here')]);
  });

  it('values from outside may stand in options of codecs', async () => {
    const keys = `codec: csv\ncodecOptions: { delimiter: '\${SIGN:-;}', header: [a, '\${NAME}'] }`;
    const { profiles } = await settingsOf(withKeys(keys), { env: { NAME: 'b' } });
    expect(profiles[0]?.codecOptions).toEqual({ delimiter: ';', header: ['a', 'b'] });
  });
});

describe('useProfiles', () => {
  it('finds each profile that comes with the program, from wherever it is started', async () => {
    const names = await shippedNames('profiles');
    expect(names).toContain('tasmota');
    const cwd = process.cwd();
    for (const name of names) {
      const settings = await settingsOf(GOOD.replace(/^profiles:[^]*?(?=exchanges:)/, `useProfiles: [${name}]\n`), { options });
      expect(settings.profiles.length).toBeGreaterThan(0);
    }
    expect(process.cwd()).toBe(cwd);
  });

  it('stand behind those of the file', async () => {
    const { profiles } = await settingsOf(`${GOOD}useProfiles: [tasmota, zigbee2mqtt]\n`, { options });
    expect(profiles.map((profile) => profile.name)).toEqual(['json', 'tasmota', 'zigbee2mqtt']);
  });

  it('says where a name is wrong, and what was meant', async () => {
    const [problem] = await problemsOf(`${GOOD}useProfiles: [tasmoto]\n`, { options });
    expect(problem).toMatchObject({
      line: 15,
      column: 15,
      path: 'useProfiles[0]',
      message: 'no profile "tasmoto" comes with Sluice',
      hint: expect.stringContaining('tasmota'),
    });
    for (const name of ['../../sluice', '/etc/passwd', 'tasmota.yaml', '*']) expect((await load(`${GOOD}useProfiles: ['${name}']\n`)).ok).toBe(false);
  });

  it('a problem inside of one names its file', async () => {
    const [problem] = await problemsOf(`${GOOD}useProfiles: [tasmota]\n`, { options: { codecs: ['cbor', 'json'] } });
    expect(path.basename(problem?.file ?? '')).toBe('tasmota.yaml');
  });
});
