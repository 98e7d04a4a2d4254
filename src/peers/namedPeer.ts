/** So many digits tell a few peers apart; fewer could be a name, or the name of a machine. */
const SHORTEST_PREFIX = 8;

/** The peers that a user means: the one of that name, else those whose fingerprint begins so, grouped or not. */
export function findNamed<Peer extends { readonly name: string; readonly fingerprint: string }>(
  peers: readonly Peer[],
  text: string,
): readonly Peer[] {
  const named = peers.filter(({ name }) => name === text);
  if (named.length > 0) return named;
  const digits = text.replaceAll(/[-\s]/gu, '').toLowerCase();
  if (digits.length < SHORTEST_PREFIX || !/^[0-9a-f]{1,64}$/u.test(digits)) return [];
  return peers.filter(({ fingerprint }) => fingerprint.startsWith(digits));
}

/**
 * The names under which peers are listed. Two processes may have given one name to two peers at once: then the first
 * of them keeps it, and the others get a number, so that each name means one peer.
 */
export function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const given = new Set<string>();
  return names.map((name) => {
    const shown = given.has(name) ? freeName(name, taken) : name;
    taken.add(shown);
    given.add(shown);
    return shown;
  });
}

/** `name`, or `name (2)` if that is taken, and so on. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  const base = name === '' ? 'peer' : name;
  let candidate = base;
  for (let number = 2; taken.has(candidate); number += 1) candidate = `${base} (${number})`;
  return candidate;
}
