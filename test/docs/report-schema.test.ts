import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertReport } from '../contract/check-report.ts';
import { guidePath, reportFields, schemaPath, schemaText, withGenerated } from './generate-schema.ts';
import { pathsIn } from './report-fields.ts';

describe('the published report schema', () => {
  it('is the one that the code says: stale? run node dist/test/docs/generate-schema.js after a build', () => {
    expect(readFileSync(schemaPath, 'utf8')).toBe(schemaText());
  });

  it('fits the example in the guide, and the example and the table of fields are what the code makes today', () => {
    const guide = readFileSync(guidePath, 'utf8');
    expect(guide).toBe(withGenerated(guide));
    assertReport(JSON.parse(/```json\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''));
  });

  it('says of every field what it means', () => {
    expect(reportFields().filter(({ description }) => description.trim() === '')).toEqual([]);
  });

  it('has every field that the guide names', () => {
    const known = new Set(reportFields().map(({ path }) => path));
    const above = new Set([...known].map((path) => path.split(/[.[]/)[0]));
    const [written = ''] = readFileSync(guidePath, 'utf8').split('## Every field');
    const named = [...written.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const fields = named.filter((name) => /[.[]/.test(name) && above.has(name.split(/[.[]/)[0] ?? ''));
    expect(fields.length).toBeGreaterThan(20);
    expect(fields.filter((name) => !known.has(name))).toEqual([]);
  });

  it('has every field of the example', () => {
    const known = new Set(reportFields().map(({ path }) => path));
    const example: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(readFileSync(guidePath, 'utf8'))?.[1] ?? '');
    const unknown = [...pathsIn(example)].filter((path) => !known.has(path));
    expect(unknown.filter((path) => !path.startsWith('usage[].'))).toEqual([]); // the SDK's measures
  });

  it('has every field of the report required, so that null and absent never mix', () => {
    const lacking: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties, required } = schema as { properties?: object; required?: string[] };
      for (const name of Object.keys(properties ?? {})) if (!required?.includes(name)) lacking.push(`${path}.${name}`);
      for (const [name, inner] of Object.entries(schema)) if (name !== '$defs') walk(inner, `${path}.${name}`);
    };
    walk(JSON.parse(schemaText()), '');
    expect(lacking).toEqual([]);
  });
});
