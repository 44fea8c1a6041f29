// Reads a bundle and its JSON Lines with the Sigstore project's software for JavaScript and with Ajv, and
// tries them on spoiled copies.
//
//     bundle.mjs BUNDLE LINES KEYS SCHEMA          in a directory that has node_modules
//
// Prints `ok  ...` for what is taken and `refused  ...` for each spoiled copy; the exit status is 1 when
// anything is not as it should be.

import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { bundleFromJSON } = require("@sigstore/bundle");
const { crypto, dsse } = require("@sigstore/core");
const { verifyTLogInclusion } = require("@sigstore/verify/dist/tlog/index.js");
const Ajv2020 = require("ajv/dist/2020.js").default;

const [bundleText, linesText, keysText, schemaText] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const keys = JSON.parse(keysText);
let failed = false;

function accepts(what, act) {
  try {
    act();
    console.log(`ok  ${what}`);
  } catch (error) {
    console.log(`FAIL  ${what}: ${error.message}`);
    failed = true;
  }
}

function refuses(what, act) {
  try {
    act();
  } catch (error) {
    console.log(`refused  ${what}: ${error.name}`);
    return;
  }
  console.log(`ACCEPTED  ${what}`);
  failed = true;
}

/** A copy with one thing changed. */
function edited(value, edit) {
  const copy = structuredClone(value);
  edit(copy);
  return copy;
}

/** Base64 with one bit of the first byte changed. */
function flipped(text) {
  const raw = Buffer.from(text, "base64");
  raw[0] ^= 1;
  return raw.toString("base64");
}

function schema(bundle) {
  const validate = new Ajv2020({ strict: true, strictTypes: false }).compile(JSON.parse(schemaText));
  const judge = (value) => {
    if (!validate(value)) throw new Error(JSON.stringify(validate.errors[0]));
  };
  accepts("Ajv: the bundle", () => judge(bundle));
  for (const name of Object.keys(bundle)) {
    refuses(`Ajv: without ${name}`, () => judge(edited(bundle, (copy) => delete copy[name])));
  }
  refuses("Ajv: a member more", () => judge({ ...bundle, trustRoot: "e30=" }));
}

/** The public key that a line names: by its hint, or by its certificate. */
function signer({ publicKey, certificate }) {
  if (certificate) return new X509Certificate(Buffer.from(certificate.rawBytes, "base64")).publicKey;
  const pem = Object.values(keys.signing).find((pem) => createHash("sha256").update(pem).digest("hex") === publicKey.hint);
  return createPublicKey(pem);
}

function verifyDsse(line) {
  const { content } = bundleFromJSON(line);
  const { payload, payloadType, signatures } = content.dsseEnvelope;
  const key = signer(line.verificationMaterial);
  const digest = key.asymmetricKeyType === "ec" ? "sha256" : undefined;
  const signed = dsse.preAuthEncoding(payloadType, payload);
  if (!crypto.verify(signed, key, signatures[0].sig, digest)) throw new Error("the signature does not hold");
}

const [name, , encoded] = keys.ledger.split("+", 2).concat(keys.ledger.split("+").slice(2).join("+"));
const raw = Buffer.from(encoded, "base64").subarray(1);
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
const logID = createHash("sha256").update(name).update(Buffer.from([10, 1])).update(raw).digest();
const ledger = { logID, baseURL: `https://${name}`, publicKey: createPublicKey({ key: spki, format: "der", type: "spki" }) };

const log = (line) => {
  const [entry] = bundleFromJSON(line).verificationMaterial.tlogEntries;
  if (!entry.logId.keyId.equals(logID)) throw new Error("another log");
  verifyTLogInclusion(entry, [ledger]);
};

schema(JSON.parse(bundleText));
const lines = linesText.trimEnd().split("\n").map((line) => JSON.parse(line));
lines.forEach((line, number) => {
  accepts(`@sigstore/bundle: line ${number}`, () => bundleFromJSON(line));
  refuses(`@sigstore/bundle: line ${number} of another media type`, () => bundleFromJSON({ ...line, mediaType: "text/plain" }));
  refuses(`@sigstore/bundle: line ${number} without material`, () =>
    bundleFromJSON(edited(line, (copy) => delete copy.verificationMaterial)));
  accepts(`@sigstore/core: line ${number}`, () => verifyDsse(line));
  refuses(`@sigstore/core: line ${number} with another payload`, () =>
    verifyDsse(edited(line, (copy) => { copy.dsseEnvelope.payload = flipped(copy.dsseEnvelope.payload); })));
});

const proof = (edit) => edited(lines[0], (line) => edit(line.verificationMaterial.tlogEntries[0]));
accepts("@sigstore/verify: inclusion proof and checkpoint", () => log(lines[0]));
const edits = {
  body: (entry) => { entry.canonicalizedBody = flipped(entry.canonicalizedBody); },
  hash: (entry) => { entry.inclusionProof.hashes[0] = flipped(entry.inclusionProof.hashes[0]); },
  "hash less": (entry) => { entry.inclusionProof.hashes.pop(); },
  index: (entry) => { entry.inclusionProof.logIndex = String(Number(entry.inclusionProof.logIndex) ^ 1); },
  checkpoint: (entry) => {
    const { checkpoint, treeSize } = entry.inclusionProof;
    checkpoint.envelope = checkpoint.envelope.replace(`\n${treeSize}\n`, "\n77\n");
  },
  log: (entry) => { entry.logId.keyId = flipped(entry.logId.keyId); },
};
for (const [what, edit] of Object.entries(edits)) refuses(`@sigstore/verify: another ${what}`, () => log(proof(edit)));
console.log(`total  ${lines.length} lines`);
process.exit(failed ? 1 : 0);
