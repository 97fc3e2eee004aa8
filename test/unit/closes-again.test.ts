/** What the SDK does in each healthy call with a recogniser that does not stream is no error of the call. */
import { expect, test } from 'vitest';
import { closesAgain } from '../../src/livekit/observe/process.ts';

const failureOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => expect.fail('expected it to fail'),
    (error: unknown) => error,
  );

test('a stream that is closed a second time has lost nothing', async () => {
  const stream = new WritableStream();
  await stream.close();
  expect(closesAgain(await failureOf(stream.close()))).toBe(true);
});

test('but what is written to a closed stream is lost, and an error of the same words is one', async () => {
  const stream = new WritableStream();
  const writer = stream.getWriter();
  await writer.close();
  const written = Promise.resolve().then(() => writer.write('words')); // Node 20 throws at once
  expect(closesAgain(await failureOf(written))).toBe(false);
  expect(closesAgain(new Error('WritableStream is closed'))).toBe(false);
  expect(closesAgain(undefined)).toBe(false);
});
