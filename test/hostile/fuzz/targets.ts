import { announcementTarget } from './targets/announcement.ts';
import { checkpointTarget } from './targets/checkpoint.ts';
import { frameTarget } from './targets/frame.ts';
import { inviteTarget } from './targets/invite.ts';
import { messageTarget } from './targets/message.ts';
import { pageTarget } from './targets/page.ts';
import { replyTarget } from './targets/reply.ts';
import { rpcTarget } from './targets/rpc.ts';
import type { FuzzTarget } from './target.ts';

/** Every parser of ours that sees what others wrote, by its name. `folder` is where one may keep files. */
export const targets: Readonly<Record<string, (folder: string) => FuzzTarget>> = {
  frame: frameTarget,
  message: messageTarget,
  page: pageTarget,
  checkpoint: checkpointTarget,
  reply: replyTarget,
  invite: inviteTarget,
  announcement: announcementTarget,
  rpc: rpcTarget,
};
