// Signs and verifies JWTs by jose, with the arguments, input and output of `tests/python/interop.py`.
//
//     interop.cjs sign
//     interop.cjs verify
"use strict";

const { readFileSync } = require("node:fs");
const jose = require("jose");

const isSecret = (alg) => alg.startsWith("HS");

async function sign({ algorithms, header, claims }) {
  const made = {};
  for (const alg of algorithms) {
    const kid = `their-${alg}`;
    const options = { extractable: true };
    const pair = isSecret(alg) ? null : await jose.generateKeyPair(alg, options);
    const privateKey = pair ? pair.privateKey : await jose.generateSecret(alg, options);
    const token = await new jose.SignJWT(claims)
      .setProtectedHeader({ ...header, alg, kid })
      .sign(privateKey);
    const jwk = await jose.exportJWK(pair ? pair.publicKey : privateKey);
    const pem = pair ? await jose.exportPKCS8(privateKey) : null;
    made[alg] = { token, key: { ...jwk, kid, alg, use: "sig" }, pem };
  }
  return { made };
}

async function verify(tokens) {
  const read = [];
  for (const { alg, token, jwks, url, issuer, audience } of tokens) {
    try {
      let key;
      if (url) {
        key = jose.createRemoteJWKSet(new URL(url));
      } else if (isSecret(alg)) {
        // A set of secrets is no JWKS to jose either.
        key = await jose.importJWK(jwks.keys[0], alg);
      } else {
        key = jose.createLocalJWKSet(jwks);
      }
      const checks = { issuer, audience, algorithms: [alg], typ: "at+jwt" };
      read.push((await jose.jwtVerify(token, key, checks)).payload);
    } catch (why) {
      console.error(`${alg}: ${why}`);
      read.push(null);
    }
  }
  return read;
}

async function main() {
  const input = JSON.parse(readFileSync(0, "utf8"));
  const output = await { sign, verify }[process.argv[2]](input);
  console.log(JSON.stringify(output));
}

main();
