import { env, l10n, window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { Courier } from '../courier.ts';
import { localFailure } from '../model/editorFailure.ts';
import { BACK, pick } from '../pick.ts';
import { iconText } from '../text.ts';
import { doctorReportText } from '../words/doctorPage.ts';
import { linePlace } from '../words/doctorWords.ts';

/** Copies what was found, without what says whose machine it is: it goes where others read it. */
export async function copyDoctorReport({ pages }: Courier): Promise<void> {
  if (pages.latest === undefined) throw localFailure('gone');
  await env.clipboard.writeText(doctorReportText(pages.latest.redacted));
  await window.showInformationMessage(
    l10n.t('The report is on the clipboard, without names, whole addresses and whole fingerprints.'),
  );
}

interface LineItem extends QuickPickItem {
  readonly text: string;
}

/** Copies one of the lines to type, exactly as it is typed. */
export async function copyDoctorLine({ pages }: Courier): Promise<void> {
  if (pages.latest === undefined) throw localFailure('gone');
  const lines = pages.latest.report.findings.flatMap((finding) => finding.lines);
  const distinct = new Map(lines.map((line) => [line.text, line]));
  const items = [...distinct.values()].map(({ where, text }): LineItem => ({
    label: iconText(text),
    detail: iconText(linePlace(where)),
    text,
  }));
  if (items.length === 0) {
    await window.showInformationMessage(l10n.t('The report has no lines to type.'));
    return;
  }
  const item = await pick(items, {
    title: l10n.t('Copy a Line'),
    placeholder: l10n.t('Choose what to copy'),
  });
  if (item !== undefined && item !== BACK) await env.clipboard.writeText(item.text);
}
