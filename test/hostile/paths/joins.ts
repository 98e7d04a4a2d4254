/** Finds where source makes a location of parts: what `join`, `resolve` and `joinPath` are given, and templates with a slash beside a part. */

export interface Join {
  /** The call or the template as it stands, spaces aside. */
  readonly text: string;
  /** What goes into it. */
  readonly parts: readonly string[];
}

const CALL =
  /(?<![.\w])(?:join|resolve|Uri\.joinPath|vscode\.Uri\.joinPath|path\.join|path\.resolve|posix\.join|win32\.join)\(/gu;
const TEMPLATE = /`[^`]*`/gu;

/** Every place in `source`, which is without comments that hold code. `resolve` counts only if it is that of `node:path`. */
export function joinsOf(source: string): readonly Join[] {
  const isResolveImported = /import \{[^}]*\bresolve\b[^}]*\} from 'node:path'/u.test(source);
  const calls = Array.from(source.matchAll(CALL)).flatMap(({ 0: name, index }) => {
    if (name.startsWith('resolve') && !isResolveImported) return [];
    const parts = argumentsAt(source, index + name.length);
    return [{ text: `${name}${parts.join(', ')})`, parts }];
  });
  const templates = Array.from(source.matchAll(TEMPLATE)).flatMap(([text]) => {
    if (!/\/\$\{|\}\/|\}\.(?:json|tmp|lock|sock|last-seen)/u.test(text)) return [];
    return [
      {
        text,
        parts: Array.from(
          text.matchAll(/\$\{(?<part>[^{}]*(?:\{[^}]*\}[^{}]*)*)\}/gu),
          ({ groups }) => groups?.['part'] ?? '',
        ),
      },
    ];
  });
  return [...calls, ...templates];
}

/** The arguments of a call, from behind its bracket on. */
function argumentsAt(source: string, from: number): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; ; at += 1) {
    const mark = source.charAt(at);
    if (mark === '') throw new RangeError('a call without an end');
    if ('([{'.includes(mark)) depth += 1;
    else if (depth > 0 && ')]}'.includes(mark)) depth -= 1;
    else if (depth === 0 && (mark === ',' || mark === ')')) {
      const text = source.slice(start, at).replaceAll(/\s+/gu, ' ').trim();
      if (text !== '') found.push(text);
      start = at + 1;
      if (mark === ')') return found;
    }
  }
}

/** Whether a part needs no reason: a constant text, or a constant of ours by its name. */
export function isConstant(part: string): boolean {
  return /^'[^'\\]*'$/u.test(part) || /^[A-Z][A-Z_]+$/u.test(part);
}
