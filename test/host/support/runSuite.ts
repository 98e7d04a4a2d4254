/**
 * Runs mocha inside an extension host. `scripts/hostSuite.mjs` bundles this file with the tests, and VS Code,
 * in the browser as on the desktop, calls the `run` of the bundle.
 */
import Mocha from 'mocha';
import { print } from './print.ts';

/** It costs nothing while things go well; a machine may be slow. */
const timeoutMs = 120_000;

/**
 * Loads the tests and runs them; rejects when one fails, which is how VS Code learns of it.
 *
 * @param load imports every file of tests; mocha's functions exist only while it runs
 */
export async function runSuite(load: () => Promise<unknown>): Promise<void> {
  const mocha = new Mocha({ ui: 'tdd', reporter: PrintingReporter, timeout: timeoutMs, forbidOnly: true });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await load();
  // A run without tests passes in mocha; here it means that the bundle is wrong.
  if (mocha.suite.total() === 0) throw new Error('There are no tests in this suite.');
  await new Promise<void>((resolve, reject) => {
    mocha.run((failures) => {
      if (failures === 0) resolve();
      else reject(new Error(`${failures} failed.`));
    });
  });
}

/** Mocha's own reporters write format strings, which do not survive the way from here to the terminal. */
class PrintingReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on('pass', (test) => print(`✔ ${test.fullTitle()} (${test.duration ?? 0} ms)`));
    runner.on('pending', (test) => print(`- ${test.fullTitle()} (skipped)`));
    runner.on('fail', (test, error: Error) =>
      print(`✖ ${test.fullTitle()}\n${error.stack ?? error.message}`),
    );
    runner.once('end', () =>
      print(`${this.stats.passes} passed, ${this.stats.failures} failed, ${this.stats.pending} skipped`),
    );
  }
}
