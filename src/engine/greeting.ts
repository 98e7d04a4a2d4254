import { limits } from '../protocol/limits.ts';
import type { Hello } from '../protocol/messages.ts';
import type { Compression } from '../transfer/ports.ts';

/** What we say of ourselves at the start of a session. */
export function greeting(
  role: Hello['role'],
  name: string,
  compression: Compression,
  { proof, transfer }: Pick<Hello, 'proof' | 'transfer'> = {},
): Hello {
  return {
    versions: [limits.oldestVersion, limits.version],
    role,
    name: name.slice(0, limits.textLength),
    codecs: [...compression.codecs],
    limits: { openWants: limits.openWants, lanes: limits.lanes },
    ...(proof === undefined ? {} : { proof }),
    ...(transfer === undefined ? {} : { transfer }),
  };
}
