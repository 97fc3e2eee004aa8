import { readFileSync } from 'node:fs';
import { isAgent, voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { currentCall, defineSession, DefinitionError, version } from '../../src/index.ts';

const right = { session: () => ({}), agent: () => new voice.Agent({ instructions: '' }) };

test('defineSession makes what the SDK takes for an agent, and a second one in the same file is refused', () => {
  const agent = defineSession(right);
  expect(isAgent(agent)).toBe(true);
  expect(() => defineSession(right)).toThrow(DefinitionError);
  expect(() => defineSession(right)).toThrow(/expected one defineSession in a file, got a second one/);
});

test('currentCall() outside of a job says so', () => {
  expect(() => currentCall()).toThrow(/expected to run inside a job/);
});

test('the version that reports carry is the package’s', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(version).toBe(manifest.version);
});
