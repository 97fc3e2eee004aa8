import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertReport } from '../contract/check-report.ts';
import { guidePath, schemaPath, schemaText, withExample } from './generate-schema.ts';

describe('the published report schema', () => {
  it('is the one that the code says: stale? run node dist/test/docs/generate-schema.js after a build', () => {
    expect(readFileSync(schemaPath, 'utf8')).toBe(schemaText());
  });

  it('fits the example in the guide, and the example is what the fold makes today', () => {
    const guide = readFileSync(guidePath, 'utf8');
    expect(guide).toBe(withExample(guide));
    assertReport(JSON.parse(/```json\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''));
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
