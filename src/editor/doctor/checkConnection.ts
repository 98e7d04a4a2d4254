import { env, l10n, ThemeIcon, ViewColumn, window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { RemoteKind } from '../../doctor/facts.ts';
import type { DoctorReport } from '../../doctor/report.ts';
import type { PeerSummary } from '../../rpc/model.ts';
import type { Courier } from '../courier.ts';
import { isCancelled } from '../model/editorFailure.ts';
import { shortFingerprint } from '../model/fingerprintText.ts';
import { recentFirst } from '../model/recentPeers.ts';
import { BACK, pick } from '../pick.ts';
import { withCancellableProgress } from '../progress.ts';
import { codeText, iconText } from '../text.ts';
import { DeviceNode, PeerNode } from '../views/nodes.ts';
import { doctorPage } from '../words/doctorPage.ts';
import { copyDoctorLine, copyDoctorReport } from './copyFromReport.ts';

/** What is to be looked at. */
type Wish =
  | { readonly kind: 'device' }
  | { readonly kind: 'peer'; readonly peer: PeerSummary }
  | { readonly kind: 'address'; readonly address: string };

interface WishItem extends QuickPickItem {
  readonly choose: () => Promise<Wish | undefined>;
}

/**
 * Has the engine look what stands between this device and a peer, and shows what it finds on a page while it does.
 * `target` is a row of the view, an address, an empty text for this device alone, or nothing: then it is asked for.
 */
export async function checkConnection(courier: Courier, target: unknown): Promise<void> {
  await courier.client.connect();
  const wish = wishFor(target) ?? (await askWish(courier));
  if (wish === undefined) return;
  const { client, pages, log } = courier;
  const check = pages.begin();
  const about = aboutText(wish);
  const id = crypto.randomUUID();
  const show = (report: DoctorReport): void => check.write(doctorPage(report, about));
  const listening = client.onExamined(({ id: which, examination }) => {
    if (which === id) show(examination.report);
  });
  check.write(l10n.t('Looking…'));
  await window.showTextDocument(pages.uri, { preview: false, viewColumn: ViewColumn.Active });
  try {
    const examination = await withCancellableProgress(l10n.t('Checking the connection…'), ({ signal }) =>
      client.call(
        'examine',
        { id, ...paramsOf(wish), remote: remoteKind(courier) },
        {
          signal: AbortSignal.any([signal, check.superseded]),
        },
      ),
    );
    show(examination.report);
    check.finish(examination);
    // The command has done its work, whether or not anybody answers.
    sayDone(courier, examination.report).catch((error: unknown) => log.error(String(error)));
  } catch (error) {
    check.write(l10n.t('The check was stopped.'));
    if (!isCancelled(error)) throw error;
  } finally {
    listening.dispose();
  }
}

function wishFor(target: unknown): Wish | undefined {
  if (target instanceof PeerNode) return { kind: 'peer', peer: target.peer };
  if (target instanceof DeviceNode) return { kind: 'device' };
  if (typeof target !== 'string') return undefined;
  return target === '' ? { kind: 'device' } : { kind: 'address', address: target };
}

async function askWish({ state }: Courier): Promise<Wish | undefined> {
  const { peers, transfers } = state.current;
  const items: WishItem[] = [
    ...recentFirst(peers, transfers).map((peer): WishItem => ({
      label: iconText(peer.name),
      description: iconText([shortFingerprint(peer.fingerprint), ...peer.addresses.slice(0, 1)].join(' · ')),
      iconPath: new ThemeIcon('device-desktop'),
      choose: () => Promise.resolve({ kind: 'peer', peer }),
    })),
    {
      label: l10n.t('An address…'),
      detail: l10n.t('What lies between this device and that address'),
      iconPath: new ThemeIcon('plug'),
      choose: askAddress,
    },
    {
      label: l10n.t('This device'),
      detail: l10n.t('Whether others can reach it'),
      iconPath: new ThemeIcon('radio-tower'),
      choose: () => Promise.resolve({ kind: 'device' }),
    },
  ];
  const item = await pick(items, {
    title: l10n.t('Check Connection'),
    placeholder: l10n.t('Choose what to look at'),
  });
  return item === undefined || item === BACK ? undefined : item.choose();
}

async function askAddress(): Promise<Wish | undefined> {
  const typed = await window.showInputBox({
    title: l10n.t('Check Connection'),
    prompt: l10n.t('The address of the other device, such as 192.168.1.20:47470.'),
    placeHolder: '192.168.1.20:47470',
    ignoreFocusOut: true,
  });
  const address = typed?.trim() ?? '';
  return address === '' ? undefined : { kind: 'address', address };
}

function paramsOf(wish: Wish): { readonly peer: string | undefined; readonly address: string | undefined } {
  switch (wish.kind) {
    case 'device':
      return { peer: undefined, address: undefined };
    case 'peer':
      return { peer: wish.peer.fingerprint, address: undefined };
    case 'address':
      return { peer: undefined, address: wish.address };
  }
}

function aboutText(wish: Wish): string {
  switch (wish.kind) {
    case 'device':
      return l10n.t('Whether others can reach this device.');
    case 'peer':
      return l10n.t('Between this device and {0}.', codeText(wish.peer.name));
    case 'address':
      return l10n.t('Between this device and {0}.', codeText(wish.address));
  }
}

/** Only the window knows by which way it reached its machine. WSL and containers are seen from inside. */
function remoteKind({ isRemoteHost }: Courier): RemoteKind | undefined {
  if (!isRemoteHost) return undefined;
  switch (env.remoteName) {
    case 'ssh-remote':
      return 'ssh';
    case 'codespaces':
      return 'codespaces';
    case 'wsl':
    case 'dev-container':
    case 'attached-container':
      return undefined;
    default:
      return 'other';
  }
}

async function sayDone(courier: Courier, { cause, findings }: DoctorReport): Promise<void> {
  const report = l10n.t('Copy Report');
  const line = l10n.t('Copy a Line…');
  const said =
    cause === undefined
      ? l10n.t('The check is done: nothing was found that stands in the way.')
      : l10n.t('The check is done: the page says first what stands in the way.');
  const hasLines = findings.some(({ lines }) => lines.length > 0);
  const answer = await window.showInformationMessage(said, ...(hasLines ? [report, line] : [report]));
  if (answer === report) await copyDoctorReport(courier);
  else if (answer === line) await copyDoctorLine(courier);
}
