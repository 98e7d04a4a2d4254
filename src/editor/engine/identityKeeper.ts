import type { Memento, SecretStorage } from 'vscode';
import type { IdentityText } from '../../rpc/contract.ts';
import { readHostId } from './hostId.ts';

/** Keeps this device's identity between runs of the engine: in secret storage, one for each host. */
export class IdentityKeeper {
  readonly #secrets: SecretStorage;
  readonly #memory: Memento;
  readonly #storage: string;

  constructor(secrets: SecretStorage, memory: Memento, storage: string) {
    this.#secrets = secrets;
    this.#memory = memory;
    this.#storage = storage;
  }

  async load(): Promise<IdentityText | undefined> {
    const text = await this.#secrets.get(`identity/${await readHostId(this.#storage)}`);
    return text === undefined ? undefined : parseIdentity(text);
  }

  async save(identity: IdentityText): Promise<void> {
    await this.#secrets.store(`identity/${await readHostId(this.#storage)}`, JSON.stringify(identity));
  }

  /** Whether this device was somebody else before; true once for each change. */
  async noteFingerprint(fingerprint: string): Promise<boolean> {
    const key = `fingerprint/${await readHostId(this.#storage)}`;
    const before = this.#memory.get<string>(key);
    if (before === fingerprint) return false;
    await this.#memory.update(key, fingerprint);
    return before !== undefined;
  }
}

function parseIdentity(text: string): IdentityText | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('certificate' in value) || !('privateKey' in value)) return undefined;
  const { certificate, privateKey } = value;
  return typeof certificate === 'string' && typeof privateKey === 'string'
    ? { certificate, privateKey }
    : undefined;
}
