/** What an operator reads in Slack, in the user's words or in ours. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { slack } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { alertsFor } from '../../src/delivery/rows.ts';
import { slackBody } from '../../src/delivery/slack-text.ts';
import type { WorkerHello } from '../../src/link/messages.ts';
import { encode, parseToKeeper } from '../../src/link/wire.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const url = 'https://hooks.slack.com/services/T/B/x';
const alert = {
  session: sessionIdOf('AJ_1'),
  room: 'interview-17',
  at: 1_700_000_000_000,
  reason: 'model_failed',
  message: 'A call failed while conversing: model_failed (provider)',
  detail: 'llm: <b> & 500',
};
const metadata = JSON.stringify({ company: { id: 7 }, email: 'sam@example.com', nested: {}, escape: '<!channel>' });
const textFor = (text: string | undefined, given = metadata) => {
  const [row] = alertsFor(alert, [slack({ url, ...(text !== undefined && { text }) })], given);
  return (JSON.parse(slackBody(row?.body ?? '')) as { text: string }).text;
};

test('the user’s text, with what happened and with the metadata of the job in it', () => {
  expect(textFor('*{room}* {session}: {reason}, company {metadata.company.id}, {metadata.email}: {detail}')).toBe(
    '*interview-17* AJ_1: model_failed, company 7, sam@example.com: llm: &lt;b&gt; &amp; 500',
  );
});
test('the markup of the text is the user’s, and what is put into it is none', () => {
  expect(textFor('<!here> {metadata.escape} { } {"a":1}')).toBe('<!here> &lt;!channel&gt; { } {"a":1}');
});
test('what there is none of is a dash, metadata that is no JSON included', () => {
  expect(textFor('{metadata.nothing} {metadata.nested} {metadata.company}')).toBe('- - -');
  expect(textFor('{metadata.email}', 'no json')).toBe('-');
  expect(textFor('{metadata.__proto__} {metadata.constructor}')).toBe('- -');
});
test('without a text of the user’s it is ours, and no metadata is in it', () => {
  expect(textFor(undefined)).toBe(
    '*Lastword:* A call failed while conversing: model_failed (provider)\nsession: AJ_1\nreason: model_failed\nerror: llm: &lt;b&gt; &amp; 500',
  );
});
describe('a text is refused', () => {
  const refused: [string, unknown, RegExp][] = [
    ['that is a function', () => 'x', /^slack\.text: expected a text, got the function|got a function/],
    ['that is empty', ' ', /^slack\.text: expected a text/],
    ['with a place that is none', 'in {rom}', /^slack\.text: expected \{session\}, .*\{metadata\.FIELD\}, got \{rom\}/],
  ];
  test.each(refused)('%s', (_what, text, message) => {
    expect(() => slack({ url, text: text as string })).toThrow(message);
  });
});
test('the text, and the path of a webhook, cross to the keeper', () => {
  const alerts = [slack({ url, text: '{room}' })];
  const reports = [webhook({ fromMetadata: { field: 'base', allow: ['https://*'], path: '/ended' } })];
  const message: WorkerHello = {
    type: 'hello.worker',
    pid: 1,
    agentFile: 'agent.js',
    agentName: '',
    livekit: null,
    reports,
    alerts,
    policy: defaultPolicy,
    hangUp: { normal: 'leave', failure: 'leave', transfer: 'leave' },
  };
  expect(parseToKeeper(encode(message))).toEqual({ ok: true, message });
});
