// LemonLDAP::NG (Debian): a portal in Perl. A client's registration names the servers that its tokens
// are for.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree } from '../person.mjs';

const root = fileURLToPath(new URL('./root', import.meta.url));

export async function start({ resources, scopes, work, run, freePort }) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const folder = (name) => {
    mkdirSync(`${work}/${name}`);
    return `${work}/${name}`;
  };
  const sessions = (name) => ({ Directory: folder(name), LockDirectory: folder(`${name}-locks`) });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const each = (make) => Object.fromEntries(resources.map((resource, n) => [`host${n}`, make(resource)]));
  const id = (resource) => `host-of-${new URL(resource).port}`;
  const configuration = {
    cfgNum: 1,
    cfgDate: Math.floor(Date.now() / 1000),
    cfgVersion: readFileSync(`${root}/version`, 'utf8').split('+')[0],
    portal: `${issuer}/`,
    domain: '127.0.0.1',
    locationRules: { '127.0.0.1': { default: 'accept' } },
    exportedHeaders: {},
    // None is shown, and the module that it loads nevertheless would bring ImageMagick.
    captcha: '::Plugins::Status',
    captcha_mail_enabled: 0,
    captcha_register_enabled: 0,
    authentication: 'Demo',
    userDB: 'Same',
    demoExportedVars: { uid: 'uid' },
    whatToTrace: 'uid',
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: sessions('sessions'),
    persistentStorage: 'Apache::Session::File',
    persistentStorageOptions: sessions('persistent'),
    issuerDBOpenIDConnectActivation: 1,
    oidcServiceMetaDataIssuer: issuer,
    oidcServicePrivateKeySig: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    oidcServicePublicKeySig: publicKey.export({ type: 'spki', format: 'pem' }),
    oidcServiceKeyIdSig: 'first',
    oidcServiceAllowAuthorizationCodeFlow: 1,
    oidcRPMetaDataNode: {},
    oidcRPMetaDataExportedVars: each(() => ({})),
    oidcRPMetaDataOptions: each((resource) => ({
      oidcRPMetaDataOptionsClientID: id(resource),
      oidcRPMetaDataOptionsDisplayName: 'a host',
      oidcRPMetaDataOptionsPublic: 1,
      oidcRPMetaDataOptionsRequirePKCE: 1,
      oidcRPMetaDataOptionsRedirectUris: 'http://127.0.0.1:7777/callback',
      oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
      oidcRPMetaDataOptionsAccessTokenJWT: 1,
      oidcRPMetaDataOptionsAccessTokenSignAlg: 'RS256',
      oidcRPMetaDataOptionsAdditionalAudiences: resource,
      oidcRPMetaDataOptionsUserIDAttr: 'uid',
    })),
  };
  writeFileSync(`${folder('conf')}/lmConf-1.json`, JSON.stringify(configuration));
  writeFileSync(
    `${work}/lemonldap-ng.ini`,
    `[all]
logLevel = warn
checkTime = 1
[configuration]
type = File
dirName = ${work}/conf
[portal]
staticPrefix = /static
templateDir = ${root}/usr/share/lemonldap-ng/portal/templates
languages = en
`,
  );
  const env = {
    LLNG_DEFAULTCONFFILE: `${work}/lemonldap-ng.ini`,
    LD_LIBRARY_PATH: readFileSync(`${root}/libraries`, 'utf8').trim(),
    PERL5LIB: [`${root}/usr/share/perl5`, ...globSync(`${root}/usr/lib/*/perl5/*`)].join(':'),
  };
  const portal = `${root}/usr/share/doc/liblemonldap-ng-portal-perl/examples/index.psgi`;
  await run('perl', [`${root}/usr/bin/plackup`, '--host', '127.0.0.1', '--port', String(port), portal], /Accepting connections/, env);

  return {
    issuer,
    version: readFileSync(`${root}/version`, 'utf8').trim(),
    client: (resource) => ({ client_id: id(resource), token_endpoint_auth_method: 'none', issuer }),
    // It refuses an authorization without `openid`, and a host asks for what a challenge names.
    gate: () => ({ OPENID: '1', PLAIN: '1' }),
    withdraws: true,
    subject: 'dwho',
    person: (link, redirect) => agree(link, 'dwho', redirect, 'dwho'),
    async rotate() {
      const published = async () => (await (await fetch(`${issuer}/oauth2/jwks`)).json()).keys[0].kid;
      const before = await published();
      execFileSync('perl', [`${root}/usr/share/lemonldap-ng/bin/rotateOidcKeys`], { env: { ...process.env, ...env } });
      // The portal reads its configuration again within a second or two.
      while ((await published()) === before) await new Promise((resolve) => setTimeout(resolve, 100));
    },
  };
}
