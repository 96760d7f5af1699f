import { keepPoolSmall, tuneHeap } from '../../src/app/heap.ts';
import { pipelineParts } from './pipeline.ts';
import { USUAL } from './scenario.ts';
import { spread } from './support/stats.ts';
import { figure, table } from './support/table.ts';

// npm run bench:pipeline [PAYLOAD]. For whoever wants to make it faster: node --cpu-prof on the compiled script shows where it goes.
const ROUNDS = 7;
const scenario = { ...USUAL, payload: process.argv[2] ?? USUAL.payload, warmUp: 0, messages: 60_000 };

tuneHeap().grow();
keepPoolSmall();
console.log(`Node.js ${process.version}, ${scenario.payload}: CPU of the process a message, ns; ${ROUNDS} rounds of ${scenario.messages} messages\n`);
const parts = await pipelineParts(scenario, ROUNDS);
const base = spread(parts[0]?.ns ?? []).median;
const rows = parts.map(({ name, ns }) => {
  const { median, least, greatest } = spread(ns);
  return [name, figure(median), figure(least), figure(greatest), figure(median / base)];
});
console.log(table(['part', 'median', 'least', 'greatest', `against ${parts[0]?.name ?? ''}`], rows));
