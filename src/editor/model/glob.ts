/** A glob that matches `name` and nothing else. */
export function globOf(name: string): string {
  return name.replace(/[*?{}[\]]/gu, (special) =>
    special === '{' || special === '}' ? '?' : `[${special}]`,
  );
}
