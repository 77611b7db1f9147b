// The OpenID provider of the tests: panva's oidc-provider, certified by the OpenID Foundation, with people in memory.
// Argument: the module of oidc-provider. Prints its issuer as JSON once it listens. A test registers its clients, and sets the
// claims of a person by PUT /people/<subject>. Ends with its standard input.
import { createServer } from "node:http";
import { generateKeyPairSync, webcrypto } from "node:crypto";

URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null); // Node 20
globalThis.crypto ??= webcrypto; // Node 18
const [, , module] = process.argv;
const { Provider } = await import(module);
const people = new Map();
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "first" }] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  scopes: ["openid", "email", "profile", "groups"],
  acrValues: ["urn:example:two"],
  cookies: { keys: ["a key of the tests"] },
  features: { devInteractions: { enabled: true }, registration: { enabled: true } },
  pkce: { required: () => true },
  async findAccount(_context, sub) {
    const claims = people.get(sub);
    return claims && { accountId: sub, claims: () => ({ sub, ...claims }) };
  },
});
const handle = provider.callback();
server.on("request", (request, response) => {
  const subject = /^\/people\/([^/]+)$/.exec(request.url);
  if (request.method !== "PUT" || !subject) return handle(request, response);
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    people.set(decodeURIComponent(subject[1]), JSON.parse(body));
    response.writeHead(204).end();
  });
});
console.log(JSON.stringify({ issuer }));
process.stdin.on("end", () => process.exit()).resume();
