/**
 * Measures what so many transfers leave behind, in a process of its own: prints a line of JSON before them, one
 * after each tenth, and one at the end. `node --expose-gc leakRun.ts 10000`. Never imported.
 */
import { LeakLoop } from './leaks.ts';

/** Fills what is bounded: pools, caches, the list of what has ended. */
const WARM_UP = 135;

const count = Number(process.argv[2]);
// Opened when it is first written to; from then on it is there.
process.stdout.write('');
const loop = await LeakLoop.open();
try {
  await loop.run(WARM_UP);
  const tell = async (done: number): Promise<void> => {
    process.stdout.write(`${JSON.stringify({ done, ...(await loop.held()) })}
`);
  };
  await tell(0);
  const step = Math.ceil(count / 10);
  for (let done = 0; done < count; done += step) {
    await loop.run(Math.min(step, count - done));
    await tell(Math.min(done + step, count));
  }
} finally {
  await loop.close();
}
