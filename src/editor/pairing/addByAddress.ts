import { l10n, window } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { fullFingerprint } from '../model/fingerprintText.ts';
import { withCancellableProgress } from '../progress.ts';
import { noticeText } from '../text.ts';
import { sayPaired } from './useInvite.ts';

/** Adds the device that answers at an address, after the user has compared its key; `undefined` if not. */
export async function addByAddress({ client }: Courier): Promise<PeerSummary | undefined> {
  const typed = await window.showInputBox({
    title: l10n.t('Add a peer by address'),
    prompt: l10n.t('The address that the Peers view of the other device shows, such as 192.168.1.20:47470.'),
    placeHolder: '192.168.1.20:47470',
    ignoreFocusOut: true,
  });
  if (typed === undefined || typed.trim() === '') return undefined;
  const { address, fingerprint, knownAs } = await withCancellableProgress(
    l10n.t('Looking who answers there…'),
    ({ signal }) => client.call('lookUp', { address: typed.trim() }, { signal }),
  );
  if (knownAs !== undefined) return client.call('addPeer', { address, fingerprint, name: knownAs });
  if (!(await isSame(address, fingerprint))) return undefined;
  const name = await window.showInputBox({
    title: l10n.t('Add a peer by address'),
    prompt: l10n.t('A name for this peer, as you want to see it.'),
    ignoreFocusOut: true,
    validateInput: (value) => (value.trim() === '' ? l10n.t('Give it a name.') : undefined),
  });
  if (name === undefined || name.trim() === '') return undefined;
  return client.call('addPeer', { address, fingerprint, name: name.trim() });
}

export async function addByAddressCommand(courier: Courier): Promise<void> {
  const peer = await addByAddress(courier);
  if (peer !== undefined) await sayPaired(peer);
}

/** Nothing but this comparison stands between the user and somebody in the middle. */
async function isSame(address: string, fingerprint: string): Promise<boolean> {
  const matches = l10n.t('It Matches');
  const answer = await window.showInformationMessage(
    l10n.t('Is this the device at {0}?', noticeText(address)),
    {
      modal: true,
      detail: [
        fullFingerprint(fingerprint, 4),
        l10n.t(
          'Compare all of it with the fingerprint under “This device” in the Peers view of the other device: over the phone, or side by side. If anything differs, somebody else answers there.',
        ),
      ].join('\n\n'),
    },
    matches,
  );
  return answer === matches;
}
