import { l10n, QuickPickItemKind, ThemeIcon } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { NearbyPeer, PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { shortFingerprint } from '../model/fingerprintText.ts';
import { reachedAt } from '../model/nearbyPeers.ts';
import { recentFirst } from '../model/recentPeers.ts';
import { addByAddress } from '../pairing/addByAddress.ts';
import { createInvite } from '../pairing/createInvite.ts';
import { pairByCode } from '../pairing/pairByCode.ts';
import { useInvite } from '../pairing/useInvite.ts';
import { BACK, pick } from '../pick.ts';
import { iconText } from '../text.ts';

interface PeerItem extends QuickPickItem {
  /** The peer once it is picked; `undefined` if the user left on the way, which shows the list again. */
  readonly choose?: () => Promise<PeerSummary | undefined>;
  readonly isEnd?: boolean;
}

/** Asks whom to send to; a new peer can be added on the way. `undefined` if the user left. */
export async function pickPeer(courier: Courier): Promise<PeerSummary | undefined> {
  for (;;) {
    const item = await pick(itemsOf(courier), {
      title: l10n.t('Send to Peer'),
      placeholder: l10n.t('Choose who gets it'),
    });
    if (item === undefined || item === BACK) return undefined;
    const peer = await item.choose?.();
    if (peer !== undefined || item.isEnd === true) return peer;
  }
}

/** Who it is, and where. */
function whereText(peer: PeerSummary, nearby: readonly NearbyPeer[]): string {
  const short = shortFingerprint(peer.fingerprint);
  const reached = reachedAt(nearby, peer);
  if (reached !== undefined) return `${l10n.t('here now, {0}', reached.address)} · ${short}`;
  return [short, ...peer.addresses.slice(0, 1)].join(' · ');
}

function itemsOf(courier: Courier): PeerItem[] {
  const { peers, nearby, transfers } = courier.state.current;
  const partners = peers.filter(({ policy }) => policy.kind !== 'block');
  const known = recentFirst(partners, transfers).map((peer): PeerItem => ({
    label: iconText(peer.name),
    description: iconText(whereText(peer, nearby)),
    iconPath: new ThemeIcon('device-desktop'),
    choose: () => Promise.resolve(peer),
  }));
  return [
    ...known,
    ...(known.length > 0 ? [{ label: l10n.t('Somebody else'), kind: QuickPickItemKind.Separator }] : []),
    {
      label: l10n.t('Use an invite…'),
      detail: l10n.t('Your peer has made an invite and sent it to you'),
      iconPath: new ThemeIcon('mail'),
      choose: () => useInvite(courier),
    },
    {
      label: l10n.t('Pair by code…'),
      detail: l10n.t('You both see each other’s screens, or talk'),
      iconPath: new ThemeIcon('person-add'),
      choose: () => pairByCode(courier),
    },
    {
      label: l10n.t('Add a peer by address…'),
      detail: l10n.t('You know the address and can compare fingerprints'),
      iconPath: new ThemeIcon('plug'),
      choose: () => addByAddress(courier),
    },
    {
      label: l10n.t('Create an invite for a peer…'),
      detail: l10n.t('Your peer uses it, and is a known peer afterwards'),
      iconPath: new ThemeIcon('add'),
      choose: async () => {
        await createInvite(courier);
        return undefined;
      },
      isEnd: true,
    },
  ];
}
