/**
 * The one producer of {@link SafePath}. A path from the wire becomes one here or nowhere, and nothing
 * that touches a disk takes a plain string from a peer, so that safety is a type and not something to
 * remember (magic-wormhole lost its check twice: CVE-2026-32116, CVE-2026-42448).
 *
 * The rule is the same on every system, so that what one peer sends every other can store, and it
 * refuses instead of repairing: a repaired name could be another file's.
 */
import { utf8Length } from '../base/bytes.ts';
import { limits } from './limits.ts';

declare const safePathBrand: unique symbol;

/**
 * A relative path of one or more portable names joined by `/`. It names something below the folder it is
 * joined to on Linux, macOS and Windows alike.
 */
export type SafePath = string & { readonly [safePathBrand]: true };

export type PathRefusal =
  | 'empty'
  | 'too long'
  | 'too deep'
  | 'relative step'
  | 'forbidden character'
  | 'control character'
  | 'direction override'
  | 'not Unicode'
  | 'trailing dot or space'
  | 'reserved name';

/** The safe path that `text` spells, or why it is refused. */
export function parseSafePath(text: string): { readonly path: SafePath } | { readonly refusal: PathRefusal } {
  const isPlain = PLAIN.test(text);
  const bytes = isPlain || text.length > limits.pathBytes ? text.length : utf8Length(text);
  if (bytes > limits.pathBytes) return { refusal: 'too long' };
  const names = text.split('/');
  if (names.length > limits.pathDepth) return { refusal: 'too deep' };
  for (const name of names) {
    const refusal = isPlain ? plainRefusalOf(name, name) : refusalOf(name);
    if (refusal !== undefined) return { refusal };
  }
  // Our own folder for what is being received lies beside what has been received.
  if (STAGING_NAMES.test(collisionKey(names[0] ?? ''))) return { refusal: 'reserved name' };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the brand is given
  return { path: text as SafePath };
}

/** The folder below a receive folder that holds what is not complete; no peer can name it. */
export const STAGING_FOLDER = '.peer-courier';

/** The components of a safe path, outermost first. */
export function namesOf(path: SafePath): readonly string[] {
  return path.split('/');
}

/** `path` with its first name replaced, as *keep both* asks for; the new name is checked again. */
export function withFirstName(path: SafePath, first: string): SafePath {
  const parsed = parseSafePath([first, ...namesOf(path).slice(1)].join('/'));
  if ('refusal' in parsed) throw new RangeError(`not a safe name: ${parsed.refusal}`);
  return parsed.path;
}

/**
 * Two names collide when some file system would take them for the same: equal after compatibility
 * normalisation, case folding and the loss of what has no width. `ß`, `ẞ` and `ss` collide on APFS
 * (node-tar, CVE-2026-23950): lower-casing turns `ẞ` into `ß`, upper-casing that into `SS`. HFS+ and the
 * case-folding ext4 do not see joiners and variation selectors at all (git, CVE-2014-9390). Case is folded in what
 * is taken apart: upper-casing makes a letter of the iota below (U+0345), which would part a composed `ᾴ` from the
 * marks that follow it.
 */
export function collisionKey(name: string): string {
  // Of ASCII there is one form, and nothing of it is without width.
  if (ASCII.test(name)) return name.toLowerCase();
  const visible = name.replace(IGNORABLE, '').normalize('NFKD');
  return visible.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}

/** Why one component is refused, or `undefined`. */
function refusalOf(name: string): PathRefusal | undefined {
  if (utf8Length(name) > limits.nameBytes) return 'too long';
  if (!name.isWellFormed()) return 'not Unicode';
  if (CONTROL.test(name)) return 'control character';
  if (DIRECTION.test(name)) return 'direction override';
  // What nobody sees must not make a name out of nothing, nor a step look like a name.
  const refusal = plainRefusalOf(name, name.replace(IGNORABLE, ''));
  return refusal ?? (FORBIDDEN.test(name) ? 'forbidden character' : undefined);
}

/** The same of one in which no character is refused; `visible` is what there is to see of it. */
function plainRefusalOf(name: string, visible: string): PathRefusal | undefined {
  if (name.length > limits.nameBytes) return 'too long';
  if (visible === '') return 'empty';
  if (visible === '.' || visible === '..') return 'relative step';
  if (name.endsWith('.') || name.endsWith(' ')) return 'trailing dot or space';
  if (RESERVED.test(name)) return 'reserved name';
  return undefined;
}

// None of these backtracks: a single class, or an anchored alternation of fixed words.

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\u0000-\u007f]*$/u;
/** Printable ASCII but what Windows forbids: most paths are of nothing else. */
const PLAIN = /^[ !#-)+-9;=@-[\]-{}~]*$/u;

/** The staging folder, and the short names that Windows can give it (as git guards `git~1`). */
const STAGING_NAMES = /^(?:\.peer-courier|(?:peer-c|pe[0-9a-f]{4})~[0-9]+)$/u;
/** What has no width of its own. */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/** C0, DEL, C1, and the line and paragraph separators: they forge lines in logs and terminals. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;
/** Bidirectional controls make `gpj.exe` look like `exe.jpg`. A byte-order mark hides in a name. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
/** What Windows forbids, and with `:` its alternate data streams. */
const FORBIDDEN = /["*:<>?\\|]/u;
/** Windows opens a device for these, whatever follows the first dot. */
const RESERVED =
  /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/iu;
