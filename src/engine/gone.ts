/** A request about a transfer or an offer that is not there any more, or not in a state for it. */
export class Gone extends Error {
  override readonly name = 'Gone';

  constructor(id: string) {
    super(`${id} is gone`);
  }
}
