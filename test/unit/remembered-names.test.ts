import { describe, expect, it } from 'vitest';
import { rememberedLookup, type FindAddresses } from '../../src/rooms/remembered-names.ts';

const found = (address: string) => [{ address, family: 4 }];
const never = () => new Promise<never>(() => undefined);
const refused: FindAddresses = () => Promise.reject(new Error('ENOTFOUND'));

/** Answers in turn; the last one for ever. */
const inTurn = (...answers: FindAddresses[]): FindAddresses => {
  const left = [...answers];
  return (hostname) => (left.length > 1 ? left.shift() : left[0])?.(hostname) ?? never();
};

describe('the address of LiveKit', () => {
  it('is the newest while the system answers', async () => {
    const ask = inTurn(
      () => Promise.resolve(found('10.0.0.1')),
      () => Promise.resolve(found('10.0.0.2')),
    );
    const find = rememberedLookup(ask, refused, 10);
    expect(await find('livekit')).toEqual(found('10.0.0.1'));
    expect(await find('livekit')).toEqual(found('10.0.0.2'));
  });

  it('is the last one known while the system gives no answer, or a bad one', async () => {
    for (const trouble of [never, refused, () => Promise.resolve([])] as FindAddresses[]) {
      const find = rememberedLookup(
        inTurn(() => Promise.resolve(found('10.0.0.1')), trouble),
        refused,
        10,
      );
      await find('livekit');
      expect(await find('livekit')).toEqual(found('10.0.0.1'));
    }
  });

  it('that was never known is asked of the name server directly while the system gives no answer', async () => {
    const find = rememberedLookup(never, () => Promise.resolve(found('10.0.0.3')), 10);
    expect(await find('livekit')).toEqual(found('10.0.0.3'));
  });

  it('that nobody knows is the word of the system', async () => {
    await expect(rememberedLookup(refused, refused, 10)('livekit')).rejects.toThrow('ENOTFOUND');
  });

  it('is asked for once, however many wait for it', async () => {
    let count = 0;
    const find = rememberedLookup(
      () => {
        count += 1;
        return never();
      },
      () => Promise.resolve(found('10.0.0.1')),
      10,
    );
    await Promise.all([find('livekit'), find('livekit'), find('livekit')]);
    expect(count).toBe(1);
  });
});
