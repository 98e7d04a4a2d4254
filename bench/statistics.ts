/** Median, least and greatest of some figures. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of at least one figure. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((left, right) => left - right);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (lower === undefined || upper === undefined || least === undefined || most === undefined) {
    throw new Error('no figures');
  }
  return { median: (lower + upper) / 2, least, most };
}

/**
 * `above` ÷ `below`, round by round: both were measured within the same minute, so what else the machine had to do
 * falls out of the ratio as far as it can. Rounds that only one of them has do not count; `undefined` without any.
 */
export function ratioOf(above: readonly number[], below: readonly number[]): Spread | undefined {
  const ratios = above.flatMap((figure, round) => {
    const other = below[round];
    return other === undefined || other === 0 ? [] : [figure / other];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}
