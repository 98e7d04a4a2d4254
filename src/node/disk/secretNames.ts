/**
 * Files that are secrets by their name. The idea is that of gitrob and its heirs, which find leaked keys in
 * repositories by a table of names (https://github.com/michenriksen/gitrob), and of npm, which never
 * publishes an `.npmrc`. A name proves nothing: the table errs towards leaving out, whoever sends is shown
 * what was left out, and it looks into no file. Add what holds a secret as a rule, not what may hold one.
 */

/** Whole names, in lower case. */
const NAMES: ReadonlySet<string> = new Set([
  '.env',
  // Keys of ssh; what ends in `.pub` is for everybody.
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ecdsa_sk',
  'id_ed25519',
  'id_ed25519_sk',
  // Where tools keep how they log in.
  '.dockercfg',
  '.git-credentials',
  '.htpasswd',
  '.my.cnf',
  '.netrc',
  '_netrc',
  '.npmrc',
  '.pgpass',
  '.pypirc',
  '.s3cfg',
  '.vault-token',
  'application_default_credentials.json',
]);

/** Names that mean nothing by themselves, with the folder that they are secrets in. */
const NAMES_IN_FOLDERS: ReadonlySet<string> = new Set([
  '.aws/credentials',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.docker/config.json',
  '.gem/credentials',
  '.kube/config',
  'gh/hosts.yml',
]);

/** What a name ends in. */
const ENDINGS: readonly string[] = [
  // Private keys and where they are kept.
  '.jks',
  '.kdbx',
  '.key',
  '.keystore',
  '.p12',
  '.pem',
  '.pfx',
  '.pkcs12',
  '.ppk',
  // Terraform writes passwords into its state as they are.
  '.tfstate',
  '.tfstate.backup',
];

/** `.env.production`, and what stands in for such a file in a repository. */
const ENVIRONMENT = /^\.env\..+$/;
const ENVIRONMENT_TEMPLATE = /\.(?:example|sample|template|dist)$/;

/** Whether a file of this name, in a folder of that name, is left out as a secret. */
export function isSecretName(folderName: string, name: string): boolean {
  // However it is written: on some systems `.ENV` is `.env`.
  const lower = name.toLowerCase();
  if (NAMES.has(lower) || NAMES_IN_FOLDERS.has(`${folderName.toLowerCase()}/${lower}`)) return true;
  if (ENVIRONMENT.test(lower)) return !ENVIRONMENT_TEMPLATE.test(lower);
  return ENDINGS.some((ending) => lower.endsWith(ending));
}
