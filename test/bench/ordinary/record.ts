/** Records the traces anew: `npm run bench:ordinary:record`. Real time, all calls beside each other, about a minute. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'vitest';
import { root } from '../../e2e/harness/compiled.ts';
import { playHealthy } from '../../ordinary/harness/call.ts';
import { recorded } from './scripts.ts';
import { Tape } from './tape.ts';
import { written } from './trace.ts';

/** A busy machine is slow to record, and no filler belongs into a trace: they are drawn when it is played. */
const PATIENT_MS = 15_000;

for (const { name, greeting, takes, given, live } of recorded) {
  test.concurrent(name, { timeout: 120_000 }, async () => {
    const tape = new Tape(takes);
    const { definition, ...rest } = given(tape);
    const patient = { ...rest, definition: { ...definition, policy: { firstAudioMs: PATIENT_MS } } };
    await playHealthy(name, patient, (life) => live(life, tape), tape);
    const file = path.join(root, 'test/bench/ordinary/traces', `${name.replaceAll(/[^a-z]+/gi, '-')}.json`);
    await writeFile(file, written(tape.trace(name, greeting)));
  });
}
