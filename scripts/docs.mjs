/**
 * Writes the reference pages from the code, so that they cannot disagree: docs/reasons.md, docs/reference.md, docs/drivers.md, and
 * docs/config.schema.json and docs/pack.schema.json. With --check it writes nothing and fails when a page is out of date. Needs `npm run build`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { packNames } from '../dist/config/rules.js';
import { configSchema, packSchema } from '../dist/config/schema.js';
import { reasons } from '../dist/patterns/reasons.js';
import { driversPage } from './drivers-page.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const note = '<!-- Made by `npm run docs` from the code. Do not edit. -->\n';

/** Metrics are listed once, in the comment at the head of src/metrics.ts. */
function metricsTable() {
  const head = readFileSync(join(root, 'src/metrics.ts'), 'utf8').split('*/')[0] ?? '';
  return head
    .split('\n')
    .filter((line) => line.startsWith(' * |'))
    .map((line) => line.slice(3))
    .join('\n');
}

function reasonsPage() {
  const rows = Object.entries(reasons).map(
    ([code, { patterns, text }]) => `| \`${code}\` | ${patterns.join(', ')} | ${text} |`,
  );
  return `${note}
# Reasons

Why a recognised pattern was left alone. The codes are stable: they stand in the log (\`reason\`), in
\`interlock_findings_total{reason=…}\` and in \`/findings\`.

| reason | pattern | what was seen, and why it is not rewritten |
|---|---|---|
${rows.join('\n')}
`;
}

/** JSON Schema -> one row per key. */
function rows(schema, path, out) {
  for (const variant of schema.oneOf ?? schema.anyOf ?? []) if (variant.properties) rows(variant, path, out);
  if (schema.items) rows(schema.items, `${path}[]`, out);
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? key : `${path}.${key}`;
    const known = out.get(at);
    const row = { type: typeOf(value), default: value.default };
    if (known !== undefined && known.type !== row.type) row.type = `${known.type} · ${row.type}`;
    out.set(at, row);
    rows(value, at, out);
  }
  return out;
}

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.join(' \\| ');
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return [...new Set(variants.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  return schema.type ?? 'text';
}

/** Defaults that a schema cannot show, because they stand behind a conversion: read off a config that says nothing. */
const bare = configSchema.parse({
  listeners: [{ name: 'x', listen: '127.0.0.1:1', server: 'postgres://x' }],
  rules: {
    custom: ['split-delete', 'unlocked-read-after-unique-violation', 'anticipate'].map((pattern) => ({
      id: 'x',
      pattern,
      mode: 'off',
      ...(pattern === 'anticipate' && { settings: { select: ['SELECT 1'] } }),
    })),
  },
});

function defaultAt(key) {
  const reach = (roots, part) =>
    roots.flatMap((value) => (part.endsWith('[]') ? (value?.[part.slice(0, -2)] ?? []) : [value?.[part]]));
  const found = key
    .split('.')
    .reduce(reach, [bare])
    .filter((value) => value !== undefined);
  return typeof found[0] === 'number' ? found[0] : undefined;
}

function shown(value) {
  return value === undefined || typeof value === 'object' ? '' : `\`${value}\``;
}

function referencePage(schema) {
  const keys = [...rows(schema, '', new Map())].map(
    ([key, row]) => `| \`${key}\` | ${row.type} | ${shown(row.default ?? defaultAt(key))} |`,
  );
  return `${note}
# Reference

## Configuration keys

[config.example.yaml](../config.example.yaml) shows each of them with what it means. Durations are milliseconds or \`500ms\`, \`2s\`,
\`1m\`; sizes are bytes or \`64KiB\`, \`1MiB\`. [config.schema.json](config.schema.json) is the same as a JSON Schema, [pack.schema.json](pack.schema.json) that of a file of rules.

| key | type | default |
|---|---|---|
${keys.join('\n')}

## Metrics

${metricsTable()}

## Rules

A rule's \`id\` names it in logs, metrics and \`/findings\`. The packs ship these:

| pack | rule | pattern | mode |
|---|---|---|---|
${packRows().join('\n')}
`;
}

function packRows() {
  const found = [];
  for (const pack of packNames()) {
    const text = readFileSync(join(root, 'rules', `${pack}.yaml`), 'utf8');
    for (const [, id, pattern, mode] of text.matchAll(/- id: (\S+)\n\s+pattern: (\S+)\n\s+mode: (\S+)/g))
      found.push(`| ${pack} | \`${id}\` | ${pattern} | ${mode} |`);
  }
  return found;
}

const jsonSchema = (of) => z.toJSONSchema(of, { io: 'input', unrepresentable: 'any' });
const schema = jsonSchema(configSchema);

/** For editors: a variable of the environment may stand where the text of a schema wants a number or one of some words. */
function withVariables(node) {
  if (Array.isArray(node)) return node.map(withVariables);
  if (typeof node !== 'object' || node === null) return node;
  const inner = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withVariables(value)]));
  if (node.enum === undefined && !['integer', 'number', 'boolean'].includes(node.type)) return inner;
  const { default: preset, ...plain } = node;
  const variable = { type: 'string', pattern: '\\$\\{.+\\}' };
  return { ...(preset !== undefined && { default: preset }), anyOf: [plain, variable] };
}
const suites = JSON.parse(readFileSync(join(root, 'test/clients/suites/results.json'), 'utf8'));
const pages = {
  'docs/reasons.md': reasonsPage(),
  'docs/reference.md': referencePage(schema),
  'docs/drivers.md': driversPage(suites, note),
  'docs/config.schema.json': `${JSON.stringify(withVariables(schema), null, 2)}\n`,
  'docs/pack.schema.json': `${JSON.stringify(jsonSchema(packSchema), null, 2)}\n`,
};

const check = process.argv.includes('--check');
let stale = 0;
mkdirSync(join(root, 'docs'), { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const file = join(root, name);
  const same = existsSync(file) && readFileSync(file, 'utf8') === text;
  if (same) continue;
  stale += 1;
  if (check) console.error(`${name} is out of date: run npm run docs`);
  else writeFileSync(file, text);
}
if (check && stale > 0) process.exitCode = 1;
