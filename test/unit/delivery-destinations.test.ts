import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, describeValue } from '../../src/errors/config-error.ts';
import {
  checkDestinations,
  destination,
  destinationsFromEnvironment,
  file,
  slack,
  stdout,
} from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import type { WebhookOptions } from '../../src/delivery/webhook.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const here = new URL(import.meta.url);

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('LASTWORD_CONFIG');
    const { message } = error as ConfigError;
    expect(message).toMatch(/^\S+: expected .+, got .+; .+$/);
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('nothing was refused');
};

describe('the constructors', () => {
  it('give plain data that survives a socket', () => {
    const all = [
      webhook({ url: 'https://example.com/hooks?key=1', secret, headers: { authorization: 'Bearer x' } }),
      webhook({ fromMetadata: { field: 'report.url', allow: ['https://*.example.com/*'] }, secrets: [secret, secret] }),
      file({ dir: 'reports' }),
      stdout(),
      destination(here),
      slack({ url: 'https://hooks.slack.com/services/T0/B0/secret' }),
    ];
    expect(JSON.parse(JSON.stringify(all))).toEqual(all);
    expect(checkDestinations(JSON.parse(JSON.stringify(all)), 'alerts')).toEqual(all);
  });

  it('name what they make, without query or the secret of a Slack URL', () => {
    expect(webhook({ url: 'https://example.com/hooks?key=1' }).name).toBe('https://example.com/hooks');
    expect(webhook({ fromMetadata: { field: 'callback', allow: ['https://*'] } }).name).toBe('metadata:callback');
    expect(file({ dir: 'reports' })).toMatchObject({
      name: `file:${resolve('reports')}`,
      directory: resolve('reports'),
    });
    expect(slack({ url: 'https://hooks.slack.com/services/T0/B0/secret' }).name).toBe('slack:hooks.slack.com');
    expect(stdout({ name: 'log' }).name).toBe('log');
  });
});

describe('a webhook is refused', () => {
  const cases: [string, unknown, string][] = [
    ['that is no object', 'https://example.com', 'webhook: expected an object'],
    [
      'with a secret that is not set',
      { url: 'https://a.example', secret: undefined },
      'webhook.secret: expected whsec_ followed by base64 of 24 to 64 random bytes, got nothing; set what it is read from, or leave the key out for reports that are not signed',
    ],
    [
      'with secrets that are not set',
      { url: 'https://a.example', secrets: undefined },
      'webhook.secrets: expected a list',
    ],
    [
      'with a path that is none',
      { fromMetadata: { field: 'x', allow: ['https://*'], path: 'calls/ended' } },
      'webhook.fromMetadata.path: expected a path such as /calls/ended, without ? and #, got "calls/ended"',
    ],
    [
      'with a path that asks',
      { fromMetadata: { field: 'x', allow: ['https://*'], path: '/calls?a=b' } },
      'fromMetadata.path: expected a path',
    ],
    ['without a URL', {}, 'webhook.url: expected url or fromMetadata, got neither'],
    ['with two', { url: 'https://a.example', fromMetadata: { field: 'x', allow: ['https://*'] } }, 'got both'],
    ['whose URL is none', { url: 'example.com/hooks' }, 'webhook.url: expected a URL, got "example.com/…"'],
    ['whose URL is an empty string', { url: '' }, 'webhook.url: expected a URL, got an empty string'],
    ['with another scheme', { url: 'ftp://example.com' }, 'got a ftp: URL'],
    [
      'in clear text to the internet',
      { url: 'http://example.com/hooks' },
      'expected https: for a host outside your network',
    ],
    ['with a password in the URL', { url: 'https://me:pass@example.com' }, 'without user and password'],
    ['with an unknown field', { url: 'https://a.example', sekret: secret }, 'webhook.sekret: expected one of url,'],
    [
      'with a secret without whsec_',
      { url: 'https://a.example', secret: 'hunter2' },
      'got 7 characters without whsec_',
    ],
    ['with a short secret', { url: 'https://a.example', secret: 'whsec_YWJj' }, 'webhook.secret: expected whsec_'],
    ['with a list as secret', { url: 'https://a.example', secret: [secret] }, 'webhook.secret: expected whsec_'],
    [
      'with three secrets',
      { url: 'https://a.example', secrets: [secret, secret, secret] },
      'webhook.secrets: expected a list of up to two secrets, got a list of 3',
    ],
    [
      'with a text for secrets',
      { url: 'https://a.example', secrets: secret },
      'webhook.secrets: expected a list of up to two secrets, got a string',
    ],
    ['with secret and secrets', { url: 'https://a.example', secret, secrets: [secret] }, 'got both'],
    [
      'with a header of ours',
      { url: 'https://a.example', headers: { 'Webhook-Id': 'x' } },
      'webhook.headers.Webhook-Id',
    ],
    [
      'with a header that splits',
      { url: 'https://a.example', headers: { a: 'x\r\nhost: y' } },
      'webhook.headers.a: expected a string on one line',
    ],
    ['with a header that is no string', { url: 'https://a.example', headers: { a: 1 } }, 'webhook.headers.a'],
    ['with no allow-list', { fromMetadata: { field: 'x' } }, 'fromMetadata.allow: expected a list'],
    ['with an empty allow-list', { fromMetadata: { field: 'x', allow: [] } }, 'fromMetadata.allow: expected a list'],
    [
      'with a pattern that is none',
      { fromMetadata: { field: 'x', allow: ['*'] } },
      'fromMetadata.allow[0]: expected https://HOST',
    ],
    ['with a glob inside a host', { fromMetadata: { field: 'x', allow: ['https://example.com*'] } }, 'allow[0]'],
    ['with a name that breaks rows', { url: 'https://a.example', name: 'a => b' }, 'webhook.name'],
    [
      'with allowPrivate that is no boolean',
      { url: 'https://a.example', allowPrivate: 'yes' },
      'webhook.allowPrivate: expected true or false, got "yes"',
    ],
  ];
  for (const [title, options, message] of cases) {
    it(title, () => expect(refusal(() => webhook(options as WebhookOptions))).toContain(message));
  }

  it('without repeating its secret, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, unit: 'grapheme-ascii' }), (text) => {
        const message = refusal(() => webhook({ url: 'https://a.example', secret: `x${text}` }));
        expect(message).not.toContain(text);
      }),
    );
  });
});

describe('clear text', () => {
  it('is for hosts of one’s own network', () => {
    for (const host of [
      'localhost:8080',
      '127.0.0.1:1',
      '[::1]:1',
      '10.1.2.3',
      'receiver',
      'crm.prod.svc',
      'nas.local',
    ]) {
      expect(webhook({ url: `http://${host}/` }).url).toBe(`http://${host}/`);
    }
    expect(webhook({ url: 'http://crm.example.com/', allowPrivate: true }).allowPrivate).toBe(true);
  });
});

describe('other destinations are refused', () => {
  it('a file without a directory', () => {
    expect(refusal(() => file({} as { dir: string }))).toContain('file.dir: expected a directory, got nothing');
  });
  it('a module that is no file or is not there', () => {
    expect(refusal(() => destination(new URL('https://example.com/deliver.js')))).toContain('got a https: URL');
    expect(refusal(() => destination('./deliver.js' as unknown as URL))).toContain('new URL(');
    expect(refusal(() => destination(new URL('./not-there.js', here)))).toContain('not-there.js');
  });
});

describe('a list of destinations', () => {
  it('takes no function, and says what to write instead', () => {
    const message = refusal(() => checkDestinations([stdout(), async function deliver() {}]));
    expect(message).toContain('reports[1]: expected one of webhook(…)');
    expect(message).toContain('got the function deliver');
    expect(message).toContain("destination(new URL('./deliver.js', import.meta.url))");
  });
  it('is a list', () => {
    expect(refusal(() => checkDestinations(stdout()))).toContain(
      'reports: expected a list of destinations, got an object',
    );
  });
  it('takes no two of one name', () => {
    expect(refusal(() => checkDestinations([stdout(), stdout()]))).toContain('reports[1].name');
  });
  it('takes Slack for alerts only', () => {
    const one = slack({ url: 'https://hooks.slack.com/services/T0/B0/x' });
    expect(refusal(() => checkDestinations([one]))).toContain('move it to alerts');
    expect(checkDestinations([one], 'alerts')).toEqual([one]);
  });
  it('refuses anything else without crashing', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        refusal(() => checkDestinations([value]));
      }),
    );
  });
});

describe('the environment', () => {
  it('makes one signed webhook, or none', () => {
    expect(destinationsFromEnvironment({})).toEqual([]);
    expect(destinationsFromEnvironment({ LASTWORD_WEBHOOK_URL: '', LASTWORD_WEBHOOK_SECRET: '' })).toEqual([]);
    const made = destinationsFromEnvironment({
      LASTWORD_WEBHOOK_URL: 'https://a.example/x',
      LASTWORD_WEBHOOK_SECRET: secret,
    });
    expect(made).toMatchObject([{ kind: 'webhook', url: 'https://a.example/x', secrets: [secret] }]);
  });
  it('is refused by the name of its variable', () => {
    expect(refusal(() => destinationsFromEnvironment({ LASTWORD_WEBHOOK_URL: 'nonsense' }))).toMatch(
      /^LASTWORD_WEBHOOK_URL: /,
    );
    expect(refusal(() => destinationsFromEnvironment({ LASTWORD_WEBHOOK_SECRET: secret }))).toMatch(
      /^LASTWORD_WEBHOOK_URL: /,
    );
    const wrong = { LASTWORD_WEBHOOK_URL: 'https://a.example', LASTWORD_WEBHOOK_SECRET: 'hunter2' };
    expect(refusal(() => destinationsFromEnvironment(wrong))).toMatch(/^LASTWORD_WEBHOOK_SECRET: /);
  });
});

it('a value is described in a few words on one line', () => {
  expect([undefined, null, '', 'a\nb', 7, [1], {}, new Map(), () => 1].map(describeValue)).toEqual([
    'nothing',
    'null',
    'an empty string',
    '"a\\nb"',
    '7',
    'a list of 1',
    'an object',
    'a Map',
    'a function',
  ]);
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(describeValue(value)).not.toContain('\n');
    }),
  );
});
