/** `1A2B-3C4D`: enough to recognise a peer, not to verify it. */
export function shortFingerprint(fingerprint: string): string {
  return groups(fingerprint.slice(0, 8)).join('-');
}

/** All of it in groups of four, for comparing by eye, in lines of `groupsPerLine`. */
export function fullFingerprint(fingerprint: string, groupsPerLine = Infinity): string {
  const all = groups(fingerprint);
  const lines: string[] = [];
  for (let start = 0; start < all.length; start += groupsPerLine) {
    lines.push(all.slice(start, start + groupsPerLine).join(' '));
  }
  return lines.join('\n');
}

function groups(fingerprint: string): string[] {
  return fingerprint.toUpperCase().match(/.{1,4}/gu) ?? [];
}
