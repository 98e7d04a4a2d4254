import { commands, Disposable } from 'vscode';
import type { Courier } from '../courier.ts';

/** Every command of the extension, by its id in package.json. */
const COMMANDS = [
  'peerCourier.startReceiver',
  'peerCourier.stopReceiver',
  'peerCourier.send',
  'peerCourier.share',
  'peerCourier.createInvite',
  'peerCourier.useInvite',
  'peerCourier.pairByCode',
  'peerCourier.addPeerByAddress',
  'peerCourier.copyFingerprint',
  'peerCourier.copyText',
  'peerCourier.acceptOffer',
  'peerCourier.saveOfferTo',
  'peerCourier.declineOffer',
  'peerCourier.pauseTransfer',
  'peerCourier.resumeTransfer',
  'peerCourier.cancelTransfer',
  'peerCourier.discardTransfer',
  'peerCourier.retryTransfer',
  'peerCourier.removeTransfer',
  'peerCourier.open',
  'peerCourier.reveal',
  'peerCourier.compareWithWorkspaceFile',
  'peerCourier.removeReceived',
  'peerCourier.copyDigest',
  'peerCourier.renamePeer',
  'peerCourier.setPeerPolicy',
  'peerCourier.forgetPeer',
  'peerCourier.showActions',
  'peerCourier.showLog',
  'peerCourier.checkConnection',
  'peerCourier.copyDoctorReport',
  'peerCourier.copyDoctorLine',
] as const;

export type CommandId = (typeof COMMANDS)[number];

/** Registers them; what they do is loaded when one is called for the first time. */
export function registerCommands(courier: Courier): Disposable {
  return Disposable.from(
    ...COMMANDS.map((id) =>
      commands.registerCommand(id, async (...values: unknown[]) => {
        const { whenNeeded } = await import('../whenNeeded.ts');
        await whenNeeded.runCommand(courier, id, values);
      }),
    ),
  );
}
