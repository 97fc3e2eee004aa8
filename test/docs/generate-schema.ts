/**
 * docs/report.schema.json, and in docs/report.md the table of fields and the example, from the code and from the journal
 * of a real call. After a build: node dist/test/docs/generate-schema.js
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { fold } from '../../src/report/fold.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { readRecordedCall } from './recorded-call.ts';
import { type Field, fieldsOf } from './report-fields.ts';

export const schemaPath = 'docs/report.schema.json';
export const guidePath = 'docs/report.md';

const schema = () => z.toJSONSchema(reportSchema, { io: 'input' });

/** The schema as a receiver may rely on it: open, because a later version of Lastword may add fields. */
export const schemaText = (): string => `${JSON.stringify(schema(), null, 2)}\n`;

export const reportFields = (): Field[] => fieldsOf(schema());

const replaced = (guide: string, part: RegExp, what: string, by: string): string => {
  if (!part.test(guide)) throw new Error(`expected ${what} in ${guidePath}, found none`);
  return guide.replace(part, () => by);
};

/** Told once, with `lines`. */
const OF_A_LINE = /^(greeting|goodbye|apology)\./;

/** The guide with its table of fields and its only `json` block as they are today. */
export const withGenerated = (guide: string): string => {
  const example = JSON.stringify(fold(readRecordedCall()), null, 2);
  const rows = reportFields()
    .filter(({ path }) => !OF_A_LINE.test(path))
    .map(({ path, type, description }) => `| \`${path}\` | ${type} | ${description} |`);
  const table = ['| field | | |', '| --- | --- | --- |', ...rows].join('\n');
  const tabled = replaced(guide, /\| field \| \| \|\n(\|.*\n)*/, 'a table of fields', `${table}\n`);
  return replaced(tabled, /```json\n[\s\S]*?```/, 'a json block', `\`\`\`json\n${example}\n\`\`\``);
};

/** From the repository's root. */
const generate = (): void => {
  writeFileSync(schemaPath, schemaText());
  writeFileSync(guidePath, withGenerated(readFileSync(guidePath, 'utf8')));
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) generate();
