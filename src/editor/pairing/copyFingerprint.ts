import { env } from 'vscode';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { fullFingerprint } from '../model/fingerprintText.ts';
import { DeviceLineNode, PeerNode } from '../views/nodes.ts';

/** Copies the fingerprint of a peer's row, else this device's. */
export async function copyFingerprint(courier: Courier, node: unknown): Promise<void> {
  await courier.client.connect();
  const fingerprint =
    node instanceof PeerNode ? node.peer.fingerprint : courier.state.current.device.fingerprint;
  if (fingerprint === undefined) throw localFailure('gone');
  await env.clipboard.writeText(fullFingerprint(fingerprint));
}

/** Copies what a line about this device says. */
export async function copyText(node: unknown): Promise<void> {
  if (node instanceof DeviceLineNode) await env.clipboard.writeText(node.text);
}
