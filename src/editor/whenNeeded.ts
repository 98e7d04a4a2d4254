import { runCommand } from './commands/runCommand.ts';
import { attach } from './engine/attach.ts';
import { tellNews } from './news.ts';
import { promptOffer } from './offers/offerPrompt.ts';
import { openLink } from './pairing/openLink.ts';
import { sendDropped } from './send/sendDropped.ts';

/**
 * What is loaded only when something happens. One module, and so one file of the bundle: each file more
 * would cost its look-up, and what only two of them share a file of its own.
 */
export const whenNeeded = { attach, openLink, promptOffer, runCommand, sendDropped, tellNews };
