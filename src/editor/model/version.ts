/** Below zero if `left` is the older version, above if the newer, by its three numbers; else 0. */
export function compareVersions(left: string, right: string): number {
  const ours = numbers(left);
  const theirs = numbers(right);
  for (let index = 0; index < 3; index += 1) {
    const difference = (ours[index] ?? 0) - (theirs[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbers(version: string): number[] {
  const [core = ''] = version.split(/[-+]/u, 1);
  return core.split('.').map((part) => (/^\d{1,9}$/u.test(part) ? Number(part) : 0));
}
