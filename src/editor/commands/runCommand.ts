import type { Courier } from '../courier.ts';
import { checkConnection } from '../doctor/checkConnection.ts';
import { copyDoctorLine, copyDoctorReport } from '../doctor/copyFromReport.ts';
import { acceptOffer, declineOffer, saveOfferTo } from '../offers/acceptFlow.ts';
import { addByAddressCommand } from '../pairing/addByAddress.ts';
import { copyFingerprint, copyText } from '../pairing/copyFingerprint.ts';
import { createInvite } from '../pairing/createInvite.ts';
import { pairByCodeCommand } from '../pairing/pairByCode.ts';
import { startReceiver, stopReceiver } from '../pairing/receiverCommands.ts';
import { useInviteCommand } from '../pairing/useInvite.ts';
import { forgetPeer } from '../knownPeers/forgetPeer.ts';
import { renamePeer } from '../knownPeers/renamePeer.ts';
import { setPeerPolicy } from '../knownPeers/setPeerPolicy.ts';
import { compareWithWorkspaceFile } from '../received/compare.ts';
import { open, removeReceived, reveal } from '../received/receivedCommands.ts';
import { sendCommand } from '../send/sendCommand.ts';
import { shareCommand } from '../send/shareCommand.ts';
import { answerOffer, changeTransfer, discardTransfer, copyDigest } from '../transfers/transferCommands.ts';
import { showFailure } from '../words/showFailure.ts';
import type { FailureDirection } from '../words/failureSentences.ts';
import type { CommandId } from './registerCommands.ts';
import { showActions } from './showActions.ts';

type Command = (...values: unknown[]) => Promise<void> | void;

/** Runs a command by its id in package.json. A failure of any of them is shown. */
export async function runCommand(courier: Courier, id: CommandId, values: readonly unknown[]): Promise<void> {
  const [run, direction] = tableOf(courier)[id];
  try {
    await run(...values);
  } catch (error) {
    courier.log.warn(`${id}: ${String(error)}`);
    await showFailure(error, direction);
  }
}

function tableOf(courier: Courier): Readonly<Record<CommandId, readonly [Command, FailureDirection?]>> {
  return {
    'peerCourier.startReceiver': [() => startReceiver(courier), 'incoming'],
    'peerCourier.stopReceiver': [() => stopReceiver(courier)],
    'peerCourier.send': [
      (clicked, selected, peer) => sendCommand(courier, clicked, selected, peer),
      'outgoing',
    ],
    'peerCourier.share': [(clicked, selected) => shareCommand(courier, clicked, selected), 'outgoing'],
    'peerCourier.createInvite': [() => createInvite(courier), 'incoming'],
    'peerCourier.useInvite': [() => useInviteCommand(courier), 'outgoing'],
    'peerCourier.pairByCode': [(node) => pairByCodeCommand(courier, node), 'outgoing'],
    'peerCourier.addPeerByAddress': [() => addByAddressCommand(courier), 'outgoing'],
    'peerCourier.copyFingerprint': [(node) => copyFingerprint(courier, node)],
    'peerCourier.copyText': [copyText],
    'peerCourier.acceptOffer': [(node) => answerOffer(courier, node, acceptOffer), 'incoming'],
    'peerCourier.saveOfferTo': [(node) => answerOffer(courier, node, saveOfferTo), 'incoming'],
    'peerCourier.declineOffer': [(node) => answerOffer(courier, node, declineOffer), 'incoming'],
    'peerCourier.pauseTransfer': [(node) => changeTransfer(courier, node, 'pause', 'pauseTransfer')],
    'peerCourier.resumeTransfer': [(node) => changeTransfer(courier, node, 'resume', 'resumeTransfer')],
    'peerCourier.cancelTransfer': [(node) => changeTransfer(courier, node, 'cancel', 'cancelTransfer')],
    'peerCourier.discardTransfer': [(node) => discardTransfer(courier, node)],
    'peerCourier.retryTransfer': [
      (node) => changeTransfer(courier, node, 'retry', 'retryTransfer'),
      'outgoing',
    ],
    'peerCourier.removeTransfer': [(node) => changeTransfer(courier, node, 'remove', 'removeTransfer')],
    'peerCourier.open': [(target) => open(courier, target)],
    'peerCourier.reveal': [(target) => reveal(courier, target)],
    'peerCourier.compareWithWorkspaceFile': [(target) => compareWithWorkspaceFile(courier, target)],
    'peerCourier.removeReceived': [(target) => removeReceived(courier, target)],
    'peerCourier.copyDigest': [(node) => copyDigest(courier, node)],
    'peerCourier.renamePeer': [(node) => renamePeer(courier, node)],
    'peerCourier.setPeerPolicy': [(node) => setPeerPolicy(courier, node), 'incoming'],
    'peerCourier.forgetPeer': [(node) => forgetPeer(courier, node)],
    'peerCourier.showActions': [() => showActions(courier)],
    'peerCourier.showLog': [() => courier.log.show()],
    'peerCourier.checkConnection': [(target) => checkConnection(courier, target)],
    'peerCourier.copyDoctorReport': [() => copyDoctorReport(courier)],
    'peerCourier.copyDoctorLine': [() => copyDoctorLine(courier)],
  };
}
