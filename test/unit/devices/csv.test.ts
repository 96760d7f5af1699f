import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CsvOptions, parseSeries, parseTime, Replay } from '../../../devices/csv.ts';

const BASE: CsvOptions = { timeColumns: ['t'], columns: undefined, speed: 1, delimiter: ',', decimal: '.', dateOrder: undefined };
const CORPUS = new URL('../../../../shared/data/corpus/timeseries/', import.meta.url);

describe('csv', () => {
  it('plays times relative to the first row, faster if asked, and never backwards', () => {
    const text = 't,a\n2024-01-01 00:00:00,1\n2024-01-01 00:01:00,2\n2024-01-01 00:00:30,3\n2024-01-01 00:02:00,4\n';
    const series = parseSeries(text, { ...BASE, speed: 60 });
    expect(series.times).toEqual([0, 1000, 1000, 2000]);
    expect(series.rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
  });

  it('reads quotes, doubled quotes, delimiters and line breaks in quotes, CRLF, a byte-order mark, and no newline at the end', () => {
    const text = '\ufefft,"a ""b"", c",d\r\n1700000000,"x\ny,z",5\r\n\r\n1700000001,,6';
    const series = parseSeries(text, BASE);
    expect(series.rows).toEqual([{ 'a "b", c': 'x\ny,z', d: 5 }, { d: 6 }]);
    expect(series.times).toEqual([0, 1000]);
  });

  it('reads decimal commas, tabs, chosen columns, a date and a time in two columns, and skips what has no value', () => {
    const text = 'd\th\ta\tb\n31/12/2023\t23:59:59\t1,5\tx\n01/01/2024\t00:00:00\t\t\n01/01/2024\t00:00:01\t-2,25e1\ty\n\t\t\t\n';
    const series = parseSeries(text, { ...BASE, timeColumns: ['d', 'h'], columns: ['a'], delimiter: '\t', decimal: ',', dateOrder: 'dmy' });
    expect(series.rows).toEqual([{ a: 1.5 }, { a: -22.5 }]);
    expect(series.times).toEqual([0, 2000]);
  });

  it('says where a file is wrong and guesses nothing', () => {
    expect(() => parseSeries('t,a\n3/10/2004,1\n', BASE)).toThrow(/line 2: "3\/10\/2004" is not a time \(say which order/);
    expect(() => parseSeries('t,a\n2024-01-01,1\n\nnonsense,1\n', BASE)).toThrow(/line 4: "nonsense"/);
    expect(() => parseSeries('t,a\n2024-01-01,1\n', { ...BASE, columns: ['b'] })).toThrow(/no column "b"; there are: t, a/);
    expect(() => parseSeries('t,a\n2024-01-01,"1\n', BASE)).toThrow(/line 2: a quote is not closed/);
    expect(() => parseSeries('t,a\n', BASE)).toThrow(/no row/);
    expect(() => parseSeries('', BASE)).toThrow(/no row/);
  });

  it('times', () => {
    expect(parseTime('2024-02-29T12:00:00.250+02:00', undefined)).toBe(Date.UTC(2024, 1, 29, 10, 0, 0, 250));
    expect(parseTime('2024-02-29', undefined)).toBe(Date.UTC(2024, 1, 29));
    expect(parseTime('1700000000', undefined)).toBe(1_700_000_000_000);
    expect(parseTime('1700000000123', undefined)).toBe(1_700_000_000_123);
    expect(parseTime('3/10/2004 18:00:00', 'mdy')).toBe(Date.UTC(2004, 2, 10, 18));
    expect(parseTime('3/10/2004 18.00.00', 'dmy')).toBe(Date.UTC(2004, 9, 3, 18));
    const wrong = ['2023-02-29', '2023-13-01', '2024-01-01 24:00:00', '2024-01-01 23:59:60', '', 'now', '1.5'];
    expect(wrong.filter((text) => parseTime(text, 'mdy') !== undefined)).toEqual([]);
  });

  it('a replay says each row once and then nothing', () => {
    const replay = new Replay(parseSeries('t,a\n1700000000,1\n1700000001,2\n', BASE), { site: 's', name: 'replay-0001', qos: 1, audit: false, firstSeq: 5 });
    const said = [replay.next(1000), replay.next(1000), replay.next(1000)];
    expect(said.map((message) => message?.payload)).toEqual([
      '{"device":"s/replay-0001","kind":"replay","time":1000,"seq":5,"values":{"a":1}}',
      '{"device":"s/replay-0001","kind":"replay","time":1001,"seq":6,"values":{"a":2}}',
      undefined,
    ]);
  });

  // Recorded series that lie beside the project on some machines; they are not part of it.
  it.skipIf(!existsSync(CORPUS)).each([
    ['air_quality_uci.csv', { timeColumns: ['Date', 'Time'], dateOrder: 'mdy' }, 9357, 13],
    ['household_power_days.csv', { timeColumns: ['datetime'] }, 1442, 8],
    ['melbourne_daily_min_temperatures.csv', { timeColumns: ['Date'] }, 3650, 1],
    ['nab_machine_temperature_system_failure.csv', { timeColumns: ['timestamp'] }, 22_695, 1],
    ['occupancy_datatest.txt', { timeColumns: ['date'] }, 2665, 6],
    ['skab_valve1_0.csv', { timeColumns: ['datetime'], delimiter: ';' }, 1147, 10],
  ] as const)('recorded series %s', (file, options, rows, columns) => {
    const series = parseSeries(readFileSync(new URL(file, CORPUS), 'utf8'), { ...BASE, ...options });
    expect(series.rows.length).toBe(rows);
    expect(Math.max(...series.rows.map((values) => Object.keys(values).length))).toBe(columns);
    expect(series.rows.every((values) => Object.values(values).every((value) => typeof value === 'number'))).toBe(true);
    expect(series.times.every((time, i) => i === 0 || time >= (series.times[i - 1] as number))).toBe(true);
  });
});
