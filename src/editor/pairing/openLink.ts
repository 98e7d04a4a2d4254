import { l10n, window } from 'vscode';
import type { Uri } from 'vscode';
import type { Courier } from '../courier.ts';
import { fullFingerprint } from '../model/fingerprintText.ts';
import { fingerprintInInvite, inviteInLink, kindOfInvite } from '../model/inviteLink.ts';
import { showFailure } from '../words/showFailure.ts';
import { redeem, sayPaired } from './useInvite.ts';

/** A link was opened, by whomever: it pre-fills a question and does nothing by itself. */
export async function openLink(courier: Courier, link: Pick<Uri, 'path' | 'query'>): Promise<void> {
  const invite = inviteInLink(link);
  const fingerprint = invite === undefined ? undefined : fingerprintInInvite(invite);
  if (invite === undefined || fingerprint === undefined) {
    await window.showWarningMessage(l10n.t('This link is not a whole invite. Copy it again, all of it.'));
    return;
  }
  const kind = kindOfInvite(invite);
  if (!(await isExpected(fingerprint, kind))) return;
  try {
    const peer = await redeem(courier, invite);
    if (kind === 'receive') await sayPaired(peer);
  } catch (error) {
    await showFailure(error, kind === 'receive' ? 'outgoing' : 'incoming');
  }
}

async function isExpected(fingerprint: string, kind: ReturnType<typeof kindOfInvite>): Promise<boolean> {
  const pair = l10n.t('Pair');
  const answer = await window.showWarningMessage(
    kind === 'receive'
      ? l10n.t('A link asks to pair this device with another one.')
      : l10n.t('A link asks to pair this device with another one, which offers files to you then.'),
    {
      modal: true,
      detail: [
        l10n.t('Go on only if somebody whom you know has sent you this invite in private.'),
        fullFingerprint(fingerprint, 4),
      ].join('\n\n'),
    },
    // The first one is the default, which a key presses unseen.
    l10n.t('Do Not Pair'),
    pair,
  );
  return answer === pair;
}
