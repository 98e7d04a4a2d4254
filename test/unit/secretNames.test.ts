import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretName } from '../../src/node/disk/secretNames.ts';

/** Paths of a folder and a file in it. */
const SECRETS = [
  'app/.env',
  'app/.env.local',
  'app/.env.production',
  'app/.env.example.local',
  'app/.ENV',
  '.ssh/id_rsa',
  '.ssh/id_dsa',
  '.ssh/id_ecdsa',
  '.ssh/id_ed25519',
  '.ssh/id_ed25519_sk',
  'app/server.pem',
  'app/server.key',
  'app/Server.KEY',
  'app/.key',
  'app/a.p12',
  'app/a.pfx',
  'app/a.jks',
  'app/a.keystore',
  'app/a.kdbx',
  'app/a.ppk',
  'home/.npmrc',
  'home/.pypirc',
  'home/.netrc',
  'home/_netrc',
  'home/.git-credentials',
  'home/.pgpass',
  'web/.htpasswd',
  '.aws/credentials',
  '.AWS/Credentials',
  '.cargo/credentials.toml',
  '.docker/config.json',
  '.kube/config',
  'gh/hosts.yml',
  'infra/terraform.tfstate',
  'infra/terraform.tfstate.backup',
];

const OTHERS = [
  'app/.env.example',
  'app/.env.sample',
  'app/.env.template',
  'app/.env.dist',
  'app/.env.local.example',
  'app/.ENV.Example',
  'app/.envrc',
  'app/env',
  'app/.environment',
  '.ssh/id_rsa.pub',
  '.ssh/id_ed25519.pub',
  '.ssh/config',
  '.ssh/known_hosts',
  'app/pem',
  'app/key',
  'app/a.keys',
  'app/a.pem.txt',
  'app/monkey',
  'app/credentials',
  'aws/credentials',
  '.aws/config',
  'app/config.json',
  'app/config',
  'app/hosts.yml',
  'infra/main.tf',
  'app/npmrc',
];

for (const [paths, isSecret] of [
  [SECRETS, true],
  [OTHERS, false],
] as const) {
  test(`names that ${isSecret ? 'are' : 'are not'} those of secrets`, () => {
    for (const path of paths) {
      const [folder = '', name = ''] = path.split('/');
      assert.equal(isSecretName(folder, name), isSecret, path);
    }
  });
}
