/**
 * First of what `npm run mutants` runs. A mutant that throws while a test file is read fails no test, for there is none
 * then, and Stryker counts it as survived; here it fails one.
 */
import { expect, test } from 'vitest';

test.each(['machines/index.ts', 'src/report/fold.ts', 'src/report/schema.ts'])('%s can be loaded', async (file) => {
  expect(Object.keys(await import(`../../${file}`))).not.toEqual([]);
});

test('what the machines are drawn as can be made', async () => {
  const { machineShape, recoveryMachine, sessionMachine, toDot, toMermaid, transitionTable } =
    await import('../../machines/index.ts');
  for (const machine of [sessionMachine, recoveryMachine])
    expect([machineShape(machine), toDot(machine), toMermaid(machine), transitionTable(machine)]).not.toContain('');
});
