import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectLab, startLab } from '../../src/testing/index.ts';
import type { Lab } from '../../src/testing/index.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(() => lab.close());

const speak = (base: string, input: string) =>
  fetch(`${base}/audio/speech`, { method: 'POST', body: JSON.stringify({ input, response_format: 'pcm' }) });

test('another process plays the lab as its own does', async () => {
  const remote = connectLab(lab.controlUrl);
  await remote.play({ rules: [], durations: { 'Good morning.': 5000 } });
  await remote.fail('tts', { kind: 'status', status: 503 }, { times: 1 });
  expect((await speak(lab.urls.openai, 'Good morning.')).status).toBe(503);
  const audio = await (await speak(lab.urls.openai, 'Good morning.')).arrayBuffer();
  expect(audio.byteLength).toBe((5000 + 100) * 48);
  expect((await remote.log()).map((entry) => entry.kind)).toEqual(['failed', 'spoke']);
  expect(await remote.spoken('good morning')).toMatchObject([[{ utterance: 1, durationMs: 5000 }]]);
  await remote.fail('tts', { kind: 'refuse' });
  await expect(speak(lab.urls.openai, 'Good morning.')).rejects.toThrow();
  await remote.heal();
  expect((await speak(lab.urls.openai, 'Good morning.')).status).toBe(200);
});

test('a channel is scripted apart from the others', async () => {
  await connectLab(lab.controlUrl, 'second').fail('tts', { kind: 'status', status: 500 });
  expect((await speak(lab.channel('second').urls.openai, 'Hello.')).status).toBe(500);
  expect((await speak(lab.urls.openai, 'Hello.')).status).toBe(200);
});

test('an unknown command is refused with what was expected', async () => {
  const remote = connectLab(lab.controlUrl);
  await expect(remote.fail('llm', { kind: 'status', status: 20 })).rejects.toThrow(/"fail" \(400\).*400/s);
  const response = await fetch(lab.controlUrl, { method: 'POST', body: '{"do":"explode"}' });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('control');
});

test('what is not the format of a provider is refused in words', async () => {
  const chat = await fetch(`${lab.urls.openai}/chat/completions`, { method: 'POST', body: '{"model":"lab"}' });
  expect([chat.status, await chat.text()]).toEqual([400, expect.stringContaining('messages')]);
  const mp3 = await fetch(`${lab.urls.openai}/audio/speech`, { method: 'POST', body: '{"input":"Hello."}' });
  expect([mp3.status, await mp3.text()]).toEqual([400, expect.stringContaining('mp3')]);
  expect((await fetch(`${lab.urls.openai}/embeddings`)).status).toBe(404);
});

test('a web page has no access, and only loopback is listened on', async () => {
  const response = await fetch(lab.controlUrl, {
    method: 'POST',
    headers: { origin: 'http://example.org' },
    body: '{"do":"log"}',
  });
  expect(response.status).toBe(403);
  expect(new URL(lab.controlUrl).hostname).toBe('127.0.0.1');
});

test('a port in use is named', async () => {
  await expect(startLab({ port: lab.port })).rejects.toThrow(`${lab.port} is in use`);
});
