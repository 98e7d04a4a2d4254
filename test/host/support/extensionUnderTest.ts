/** The extension that this extension host was started to test. */
import { extensions, type Extension } from 'vscode';

type Manifest = { readonly contributes?: { readonly commands?: readonly { readonly command: string }[] } };

export function extensionUnderTest(): Extension<unknown> {
  const [found, ...others] = extensions.all.filter(({ id }) => id === process.env['EXTENSION_UNDER_TEST']);
  if (found === undefined || others.length > 0) throw new Error('The extension was not found.');
  return found;
}

/** The ids of all commands that the manifest contributes. */
export function commandsOf(extension: Extension<unknown>): readonly string[] {
  const manifest = extension.packageJSON as Manifest;
  return (manifest.contributes?.commands ?? []).map(({ command }) => command);
}
