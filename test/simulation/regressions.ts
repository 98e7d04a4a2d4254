/** Seeds that have found something, and what: they are run for ever. */
export const REGRESSIONS: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 744, found: 'a disk error while an offer was looked at refused its entries as taken names' },
  {
    seed: 103_069,
    found: 'a file that failed and could not be removed was published with its tree, cut off',
  },
  { seed: 1581, found: 'what a failed sync had lost was trusted, because its removal had come too late' },
  { seed: 2925, found: 'a folder in the place of the journal kept a transfer from ever ending' },
];
