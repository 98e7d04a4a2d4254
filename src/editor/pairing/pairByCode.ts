import { l10n, ThemeIcon, window } from 'vscode';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { isCancelled } from '../model/editorFailure.ts';
import { strangersAmong } from '../model/nearbyPeers.ts';
import { withCancellableProgress } from '../progress.ts';
import { iconText, noticeText } from '../text.ts';
import { NearbyNode } from '../views/nodes.ts';
import { sayPaired } from './useInvite.ts';

/** The other device: one that waits at an address, or one that this device waits for. */
interface Other {
  readonly address: string | undefined;
}

/** Pairs with a device whose user compares a code with this one's; `undefined` if the user left. */
export async function pairByCode(courier: Courier): Promise<PeerSummary | undefined> {
  const other = await pickOther(courier);
  return other === undefined ? undefined : pairWith(courier, other);
}

async function pickOther({ state }: Courier): Promise<Other | undefined> {
  const { nearby, peers } = state.current;
  const how = await window.showQuickPick(
    [
      ...strangersAmong(nearby, peers).map(({ deviceName, address }) => ({
        label: iconText(deviceName === undefined ? address : `“${deviceName}”`),
        description: iconText(deviceName === undefined ? '' : address),
        detail: l10n.t('It is on this network; choose “Wait for the other device” there'),
        iconPath: new ThemeIcon('device-desktop'),
        waits: false,
        address,
      })),
      {
        label: l10n.t('Wait for the other device'),
        detail: l10n.t('It connects to this one'),
        iconPath: new ThemeIcon('radio-tower'),
        waits: true,
        address: undefined,
      },
      {
        label: l10n.t('Connect to the other device…'),
        detail: l10n.t('It waits, and shows its address'),
        iconPath: new ThemeIcon('plug'),
        waits: false,
        address: undefined,
      },
    ],
    { title: l10n.t('Pair by code'), ignoreFocusOut: true },
  );
  if (how === undefined) return undefined;
  if (how.waits) return { address: undefined };
  const address = how.address ?? (await askAddress());
  return address === undefined ? undefined : { address };
}

async function pairWith({ client, log }: Courier, { address }: Other): Promise<PeerSummary | undefined> {
  const receiver = address === undefined ? await client.call('startReceiver', undefined) : undefined;
  const ours = noticeText(receiver?.state === 'listening' ? (receiver.addresses[0] ?? '') : '');
  const id = crypto.randomUUID();
  const asking = client.onCompareCode((question) => {
    if (question.id !== id) return;
    compare(question.code)
      .then((isSame) => client.call('answerCode', { id, isSame }))
      // It is too late: the pairing's own end says why.
      .catch((error: unknown) => log.info(`a code was answered: ${String(error)}`));
  });
  try {
    const title =
      address === undefined
        ? l10n.t(
            'Waiting for the other device. There: “Peer Courier: Pair by Code…”, and connect to {0}',
            ours,
          )
        : l10n.t('Pairing with {0}', noticeText(address));
    return await withCancellableProgress(title, ({ signal }) =>
      client.call('pairByCode', { id, address }, { signal }),
    );
  } catch (error) {
    if (isCancelled(error)) return undefined;
    throw error;
  } finally {
    asking.dispose();
  }
}

/** For the palette, or for the row of a device that is not known yet. */
export async function pairByCodeCommand(courier: Courier, node: unknown): Promise<void> {
  const peer = await (node instanceof NearbyNode ? pairWith(courier, node.nearby) : pairByCode(courier));
  if (peer !== undefined) await sayPaired(peer);
}

async function askAddress(): Promise<string | undefined> {
  const typed = await window.showInputBox({
    title: l10n.t('Pair by code'),
    prompt: l10n.t('The address that the other device shows, such as 192.168.1.20:47470.'),
    placeHolder: '192.168.1.20:47470',
    ignoreFocusOut: true,
  });
  const address = typed?.trim();
  return address === '' ? undefined : address;
}

/** Nothing but this comparison stands between the user and somebody in the middle: no answer is a no. */
async function compare(code: string): Promise<boolean> {
  const same = l10n.t('They Are the Same');
  const answer = await window.showWarningMessage(
    l10n.t('Does the other device show {0}?', `${code.slice(0, 3)} ${code.slice(3)}`),
    {
      modal: true,
      detail: l10n.t(
        'Look at its screen, or have the code read out to you. If the codes differ, somebody is between the two devices.',
      ),
    },
    // The first one is the default, which a key presses unseen; closing the dialog is no answer either.
    l10n.t('They Differ'),
    same,
  );
  return answer === same;
}
