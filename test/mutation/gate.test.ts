/** A suite that cannot fail is no evidence: with one safety taken out of the product, each of these must. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { MUTATIONS } from './mutations.ts';
import type { Mutation } from './mutations.ts';

const root = resolve(import.meta.dirname, '../..');
const LIMIT_MS = 240_000;

interface Run {
  readonly status: number | null;
  readonly output: string;
}

function runMutated({ file, find, replace, suite: file_, only }: Mutation): Promise<Run> {
  const words = ['--import', join(root, 'test', 'mutation', 'mutate.ts')];
  if (only !== undefined) words.push(`--test-name-pattern=${only}`);
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  return new Promise((ended) => {
    const child = execFile(
      process.execPath,
      [...words, '--test-reporter=spec', join(root, file_)],
      {
        cwd: root,
        env: { ...env, PEER_COURIER_MUTATION: JSON.stringify({ file, find, replace }) },
        timeout: LIMIT_MS,
        maxBuffer: 2 ** 28,
      },
      (_error, stdout, stderr) => ended({ status: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

suite('each is caught', { concurrency: 2 }, () => {
  for (const mutation of MUTATIONS) {
    test(mutation.name, async () => {
      const { status, output } = await runMutated(mutation);
      assert.match(output, /^MUTATED: /mu, `nothing was taken out: ${output.slice(-2000)}`);
      assert.equal(status, 1, `${mutation.suite} did not notice: ${output.slice(-2000)}`);
      // It ran and failed by an assertion or a failure of the product, not because it could not even start.
      assert.match(output, /^ℹ fail [1-9]/mu, output.slice(-2000));
    });
  }
});
