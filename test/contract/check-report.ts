/** Every report that any test makes goes through here. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { z } from 'zod';
import { reportSchema, type Report } from '../../src/report/schema.ts';

let checks: { published: ValidateFunction; strict: ValidateFunction } | undefined;

const compile = (schema: object): ValidateFunction => {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false });
  formats.default(ajv);
  return ajv.compile(schema);
};

/** The repository's root, from the sources and from dist alike. */
const publishedSchema = (): string => {
  for (const up of ['../../', '../../../']) {
    try {
      return readFileSync(new URL(`${up}docs/report.schema.json`, import.meta.url), 'utf8');
    } catch {
      // one more folder up
    }
  }
  throw new Error('expected docs/report.schema.json, found none; make it with test/docs/generate-schema.ts');
};

/**
 * Throws unless `report` fits the published JSON Schema, and (beyond it: the published one allows fields to be added)
 * has no field that the schema does not name. Checks it as a receiver sees it: serialised.
 */
export function assertReport(report: unknown): asserts report is Report {
  checks ??= {
    published: compile(JSON.parse(publishedSchema()) as object),
    strict: compile(z.toJSONSchema(reportSchema)),
  };
  const received: unknown = JSON.parse(JSON.stringify(report) ?? 'null');
  for (const [name, check] of Object.entries(checks)) {
    if (check(received)) continue;
    const problems = (check.errors ?? []).slice(0, 10).map(({ instancePath, message, params }) => {
      return `  ${instancePath || '(root)'} ${message ?? ''} ${JSON.stringify(params)}`;
    });
    throw new Error(`the report does not fit the ${name} schema:\n${problems.join('\n')}`);
  }
}
