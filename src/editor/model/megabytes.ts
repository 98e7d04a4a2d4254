const MEGABYTE = 1_000_000;
const MOST_MEGABYTES = 1_000_000_000;

/** Bytes of what a user types as megabytes, with a point or a comma; `undefined` if it is no size. */
export function parseMegabytes(text: string): number | undefined {
  const digits = text.trim().replace(',', '.');
  if (!/^\d{1,10}(?:\.\d{1,6})?$/u.test(digits)) return undefined;
  const megabytes = Number(digits);
  if (megabytes > MOST_MEGABYTES) return undefined;
  const bytes = Math.round(megabytes * MEGABYTE);
  return bytes >= 1 ? bytes : undefined;
}
