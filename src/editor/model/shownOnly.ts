/**
 * Whether a received file is shown where it lies and never opened by us: a workspace brings settings and tasks,
 * an extension installs itself, and a notebook draws the output that it was saved with.
 */
export function isShownOnly(name: string): boolean {
  return /\.(?:code-workspace|ipynb|vsix)$/iu.test(name);
}
