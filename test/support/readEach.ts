import { concatBytes } from '../../src/base/bytes.ts';
import { CourierError, isSourceFailure } from '../../src/base/failure.ts';
import type { SourceFailure } from '../../src/base/failure.ts';
import type { SmallContents, SourceFile } from '../../src/transfer/ports.ts';

/** What `Source.readSmall` gives, by reading one file after the other. */
export async function readEach(
  files: readonly SourceFile[],
  read: (file: SourceFile) => Promise<Uint8Array>,
): Promise<SmallContents> {
  const contents: Uint8Array[] = [];
  const failures: (SourceFailure | undefined)[] = [];
  for (const file of files) {
    try {
      contents.push(await read(file));
      failures.push(undefined);
    } catch (error) {
      if (!CourierError.is(error) || !isSourceFailure(error.code)) throw error;
      failures.push(error.code);
    }
  }
  return { bytes: concatBytes(contents), failures };
}
