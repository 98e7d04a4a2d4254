/** Texts that try to be more than text, somewhere. Each holds {@link MARK}, by which it is found again. */

export const MARK = 'hostile';

export const HOSTILE_TEXTS: readonly string[] = [
  // Terminals: colours, the screen, the title, a link (OSC 8), the clipboard (OSC 52), one-byte CSI and OSC.
  '\u001b[31mhostile\u001b[0m',
  '\u001b[2J\u001b[1;1Hhostile',
  '\u001b]0;hostile\u0007',
  '\u001b]8;;https://example.org\u001b\\hostile\u001b]8;;\u001b\\',
  '\u001b]52;c;aG9zdGlsZQ==\u0007hostile',
  '\u009b31mhostile\u009d0;x\u009c\u0090',
  // Lines of their own in a log, a list, a dialog.
  'a\nhostile',
  'a\r\n2026-01-01 00:00:00.000 [error] hostile',
  'a\u2028hostile\u2029b',
  'over\rhostile',
  '\u0000hostile\u0008\u0008\u007f',
  // What is read is not what is there.
  'photo\u202egpj.hostile.exe',
  '\u2066hostile\u2069\u200f\u061c',
  'hos\u200dtile hostile\ufeff\u00ad',
  '\ud800hostile\udc00',
  '\u{e0068}hostile\u{e007f}\ue000',
  '👩‍👩‍👧‍👦 hostile ﷺ עברית',
  // The editor: icons, links that run commands, markdown, HTML, buttons.
  '$(sync~spin) hostile $(alert)',
  '\\$(bug) hostile \\\\$(bug)',
  '$($(bug)) hostile $(bug',
  '[hostile](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22id%5Cu000D%22%7D)',
  '[hostile](https://example.org "title") [](x)](command:y)',
  '![hostile](https://example.org/x.png) **b** `code` ***',
  '[hostile](command:workbench.action.quit',
  '<img src=x onerror=alert(1)>hostile<script>1</script>',
  '&hostile &&Accept _Decline',
  '`hostile` ${env:HOME} ${command:x}',
  // Templates.
  '{0} {1} {2} hostile {0}',
  '%s %d %o %c hostile %',
  '__proto__ hostile constructor',
  // Long.
  `hostile${'x'.repeat(10_240)}hostile`,
  '[hostile](command:x)'.repeat(600),
  `hostile${'\u0301'.repeat(2000)}`,
];
