// Judges an AIBoM with OWASP's CycloneDX library for JavaScript (Ajv), and tries the judge on spoiled copies.
//
//     judge.mjs AIBOM          in a directory that has node_modules
//
// Prints a line for each document; the exit status is 0 when the AIBoM is valid by the strict schema of
// its own version and every variant of variants.json is refused.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Spec, Validation } = createRequire(`${process.cwd()}/`)("@cyclonedx/cyclonedx-library");

const NAME = "javascript";
const variants = JSON.parse(readFileSync(new URL("variants.json", import.meta.url), "utf8"));
const text = readFileSync(process.argv[2], "utf8");
const document = JSON.parse(text);
const judge = new Validation.JsonStrictValidator(document.specVersion);

/** The key itself, or the index of the first item that has the members of `key`. */
function step(place, key) {
  if (typeof key !== "object") return key;
  return place.findIndex((item) => Object.entries(key).every(([name, value]) => item[name] === value));
}

/** A copy with one thing changed: put, removed, or there twice. */
function spoiled(variant) {
  const copy = structuredClone(document);
  let place = copy;
  for (const key of variant.at.slice(0, -1)) place = place[step(place, key)];
  const last = step(place, variant.at.at(-1));
  if ("put" in variant) place[last] = variant.put;
  else if (variant.twice) place.push(structuredClone(place[last]));
  else delete place[last];
  return JSON.stringify(copy);
}

/** The first thing that the judge has against a document; null when it is valid. */
async function refusal(document) {
  const errors = await judge.validate(document);
  return errors && `${errors[0].instancePath} ${errors[0].message}`.slice(0, 90);
}

if (!Object.values(Spec.Version).includes(document.specVersion)) {
  throw new Error(`the library does not know CycloneDX ${document.specVersion}`);
}
const error = await refusal(text);
console.log(`${error ? "INVALID" : "valid"}  CycloneDX ${document.specVersion}, strict  ${error ?? ""}`);
let failed = error !== null;
let count = 0;
for (const variant of variants) {
  if (variant.judges && !variant.judges.includes(NAME)) continue;
  if (variant.version && variant.version !== document.specVersion) continue;
  const said = await refusal(spoiled(variant));
  console.log(`${said ? "refused" : "ACCEPTED"}  ${variant.what}  ${said ?? ""}`);
  if (said) count += 1;
  else failed = true;
}
console.log(`total  ${count} refused`);
process.exit(failed ? 1 : 0);
