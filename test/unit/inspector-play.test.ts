/** A call that somebody plays with from the page: over real sockets, the call itself is played. */
import { afterEach, describe, expect, it } from 'vitest';
import { Playground, type PlayedSound } from '../../src/inspector/playground.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { follow, openStand, type Stand } from './inspector-stand.ts';

let stand: Stand | undefined;
afterEach(() => stand?.close());

async function playing() {
  const typed: string[] = [];
  let seen = 0;
  const playground = new Playground(sessionIdOf('AJ_play'), {
    take: (line) => typed.push(line),
    onSeen: () => (seen += 1),
  });
  const one = (stand = await openStand({ parts: { playground } }));
  return {
    one,
    playground,
    typed,
    seen: () => seen,
    say: (body: unknown) => one.ask('/api/play', { headers: one.bearer, body }),
  };
}
const sound = (samples: string): PlayedSound => ({ kind: 'sound', sampleRate: 24_000, samples });

describe('beside npm start', () => {
  it('the page finds the call, and whoever started it knows that it is seen', async () => {
    const { one, seen } = await playing();
    expect(seen()).toBe(0);
    expect(await one.ask('/api/play')).toMatchObject({ status: 401 });
    expect(seen()).toBe(0);
    const found = await one.ask('/api/play', { headers: one.bearer });
    expect(JSON.parse(found.text)).toEqual({ session: 'AJ_play', microphoneRate: null });
    expect(seen()).toBe(1);
  });

  it('what is typed there goes to the call as it is, one line at a time', async () => {
    const { say, typed } = await playing();
    expect(await say({ line: 'what are your opening hours' })).toMatchObject({ status: 200 });
    expect(await say({ line: '/fail llm' })).toMatchObject({ status: 200 });
    expect(typed).toEqual(['what are your opening hours', '/fail llm']);
    for (const body of [{ line: '' }, { line: 'a\n/kill' }, { line: 'x'.repeat(501) }, { text: 'hello' }, []])
      expect(await say(body)).toMatchObject({ status: 400, text: expect.stringContaining('one line of 1 to 500') });
    expect(typed).toHaveLength(2);
  });

  it('a voice is taken where somebody understands it, and refused with what to do where nobody does', async () => {
    const { one } = await playing();
    const voice = (body: unknown) => one.ask('/api/play/voice', { headers: one.bearer, body });
    expect(await voice({ samples: 'AAAA' })).toMatchObject({
      status: 409,
      text: expect.stringContaining('lastword console'),
    });
    await one.close();
    const heard: string[] = [];
    const ears = { take: () => {}, onSeen: () => {}, speak: (samples: string) => heard.push(samples) };
    const other = (stand = await openStand({ parts: { playground: new Playground(sessionIdOf('AJ_own'), ears) } }));
    const speak = (body: unknown) => other.ask('/api/play/voice', { headers: other.bearer, body });
    expect(await speak({ samples: 'AAAA' })).toMatchObject({ status: 200 });
    expect(await speak({ samples: 'no base64!' })).toMatchObject({ status: 400 });
    expect(heard).toEqual(['AAAA']);
    expect(JSON.parse((await other.ask('/api/play', { headers: other.bearer })).text)).toMatchObject({
      microphoneRate: 16_000,
    });
  });

  it('another page cannot type, nor one without the token', async () => {
    const { one, typed } = await playing();
    const strange = { ...one.bearer, origin: 'https://evil.example' };
    expect(await one.ask('/api/play', { headers: strange, body: { line: '/kill' } })).toMatchObject({ status: 403 });
    expect(await one.ask('/api/play', { body: { line: '/kill' } })).toMatchObject({ status: 401 });
    expect(typed).toEqual([]);
  });

  it('what the caller hears comes in order, and what was cut is not heard any more', async () => {
    const { one, playground } = await playing();
    const stream = await follow(one, '/api/stream/sound');
    playground.heard(sound('AAAA'));
    playground.heard(sound('BBBB'));
    const heard = await stream.until((events) => events.length === 2);
    expect(heard.map(({ data }) => JSON.parse(data) as PlayedSound)).toEqual([sound('AAAA'), sound('BBBB')]);
    playground.heard({ kind: 'hush' });
    await stream.until((events) => events.length === 3);
    await stream.leave();
  });

  it('a page that does not read costs two hundred sounds, and is told of the cut first', async () => {
    const { playground } = await playing();
    const ear = playground.listen();
    for (let count = 0; count < 1_000; count += 1) playground.heard(sound(String(count)));
    const kept = (await ear.next(new AbortController().signal)) ?? [];
    expect(kept).toHaveLength(200);
    expect(kept.at(-1)).toEqual(sound('999'));
    playground.heard(sound('gone'));
    playground.heard({ kind: 'hush' });
    expect(await ear.next(new AbortController().signal)).toEqual([{ kind: 'hush' }]);
    ear.close();
  });
});

it('anywhere else there is no call to play with, and it says so', async () => {
  const one = (stand = await openStand());
  const found = await one.ask('/api/play', { headers: one.bearer });
  expect(JSON.parse(found.text)).toEqual({ session: null, microphoneRate: null });
  expect(await one.ask('/api/play', { headers: one.bearer, body: { line: 'hello' } })).toMatchObject({
    status: 404,
    text: expect.stringContaining('npm start opens one'),
  });
});
