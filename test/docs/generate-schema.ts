/**
 * docs/report.schema.json, and the example in docs/report.md, from the code.
 * After a build: node dist/test/docs/generate-schema.js
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { fold } from '../../src/report/fold.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { wholeCall } from '../contract/sessions.ts';

export const schemaPath = 'docs/report.schema.json';
export const guidePath = 'docs/report.md';

/** The schema as a receiver may rely on it: open, because a later version of Lastword may add fields. */
export const schemaText = (): string => `${JSON.stringify(z.toJSONSchema(reportSchema, { io: 'input' }), null, 2)}\n`;

/** The guide with its example replaced: the text between the fences of its only `json` block. */
export const withExample = (guide: string): string => {
  const block = /```json\n[\s\S]*?```/;
  if (!block.test(guide)) throw new Error(`expected a json block in ${guidePath}, found none`);
  const example = JSON.stringify(fold(wholeCall()), null, 2);
  return guide.replace(block, () => `\`\`\`json\n${example}\n\`\`\``);
};

/** From the repository's root. */
const generate = (): void => {
  writeFileSync(schemaPath, schemaText());
  writeFileSync(guidePath, withExample(readFileSync(guidePath, 'utf8')));
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) generate();
