import { l10n } from 'vscode';
import type { Step } from '../../doctor/facts.ts';
import type { AdviceLine, DoctorReport, Finding, FindingState } from '../../doctor/report.ts';
import { lineText, plainText } from '../text.ts';
import { findingSentence, linePlace } from './doctorWords.ts';

/** A report as a page of Markdown, read in an editor as it is: the likely cause first, then everything. */
export function doctorPage(report: DoctorReport, about: string | undefined): string {
  const { cause, findings, pending } = report;
  const others = findings.filter((finding) => finding !== cause && !isSame(finding, cause));
  const parts = [
    `# ${l10n.t('Peer Courier: connection check')}`,
    ...(about === undefined ? [] : [about]),
    ...(pending.length > 0 ? [l10n.t('Still looking: {0}.', pending.map(stepName).join(', '))] : []),
    ...(pending.length === 0 ? [verdict(report)] : []),
    ...(cause === undefined ? [] : section(l10n.t('Most likely in the way'), [cause])),
    ...STATES.flatMap((state) => sectionOf(state, others)),
    systemLine(report),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The same for strangers: what it is made of must be the redacted report. */
export function doctorReportText(redacted: DoctorReport): string {
  return doctorPage(redacted, undefined);
}

/** From what matters most. */
const STATES: readonly FindingState[] = ['problem', 'unknown', 'note', 'ok'];

function sectionOf(state: FindingState, findings: readonly Finding[]): string[] {
  const found = findings.filter((finding) => finding.state === state);
  return found.length === 0 ? [] : section(stateTitle(state), found);
}

function section(title: string, findings: readonly Finding[]): string[] {
  return [`## ${title}`, ...findings.flatMap((finding) => paragraphs(finding))];
}

function paragraphs(finding: Finding): string[] {
  return [`* ${findingSentence(finding)}`, ...blocks(finding.lines)];
}

/** Lines of one place stand together. */
function blocks(lines: readonly AdviceLine[]): string[] {
  const places: { readonly where: AdviceLine['where']; readonly texts: string[] }[] = [];
  for (const { where, text } of lines) {
    const last = places.at(-1);
    if (last?.where === where) last.texts.push(text);
    else places.push({ where, texts: [text] });
  }
  return places.map(({ where, texts }) =>
    [`  ${linePlace(where)}`, '', '  ```', ...texts.map((text) => `  ${lineText(text)}`), '  ```'].join('\n'),
  );
}

function verdict({ cause, findings }: DoctorReport): string {
  if (cause !== undefined) return l10n.t('Something stands in the way.');
  return findings.some(({ state }) => state === 'unknown')
    ? l10n.t('Nothing was found that stands in the way. Some of it could not be seen from here.')
    : l10n.t('Nothing was found that stands in the way.');
}

function stateTitle(state: FindingState): string {
  switch (state) {
    case 'problem':
      return l10n.t('In the way');
    case 'unknown':
      return l10n.t('Not clear');
    case 'note':
      return l10n.t('Worth knowing');
    case 'ok':
      return l10n.t('In order');
  }
}

function stepName(step: Step): string {
  switch (step) {
    case 'surroundings':
      return l10n.t('firewalls');
    case 'port':
      return l10n.t('the port of this device');
    case 'multicast':
      return l10n.t('multicast');
    case 'peer':
      return l10n.t('the peer');
  }
}

function systemLine({ system }: DoctorReport): string {
  const { version, runtime, platform, release, architecture } = system;
  return plainText(`Peer Courier ${version}, Node ${runtime}, ${platform} ${release} ${architecture}`);
}

/** A report that came over the wire has its cause twice. */
function isSame(finding: Finding, cause: Finding | undefined): boolean {
  return cause !== undefined && JSON.stringify(finding) === JSON.stringify(cause);
}
