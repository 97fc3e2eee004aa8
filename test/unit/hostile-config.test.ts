/** Rubbish where a session is defined: refused in one error that names the field, or taken; never anything else. */
import { initializeLogger, voice } from '@livekit/agents';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PolicyError, type Policy } from '../../machines/index.ts';
import { ConfigError } from '../../src/errors/config-error.ts';
import { checkDestinations, destination, file, slack, stdout } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { addressFor, readAddress, targetOf } from '../../src/delivery/metadata-url.ts';
import { WarmProcess } from '../../src/job/warm-process.ts';
import { parseMetadata } from '../../src/livekit/call.ts';
import { checkDefinition, DefinitionError, type SessionDefinition } from '../../src/livekit/definition.ts';
import { hostileThrows, hostileValues } from '../contract/hostile.ts';

const right = { session: () => ({}), agent: () => new voice.Agent({ instructions: '' }) };

/** What was refused, or undefined. Fails for an error that is none of ours. */
const refusalOf = (given: unknown): string | undefined => {
  try {
    checkDefinition(given as SessionDefinition);
    return undefined;
  } catch (error) {
    if (error instanceof DefinitionError || error instanceof PolicyError) return error.message;
    throw error;
  }
};

describe('a delay that no timer can use is refused where the session is defined, before a call is taken', () => {
  test.each([0, -0, -1, Number.NaN, Infinity, -Infinity, 2 ** 31, 1e300, '3000', '', null, true, [], {}, 5n])(
    '%s',
    (value) => {
      for (const field of ['idleMs', 'goodbyeMs', 'maxDurationMs', 'shutdownBudgetMs'] satisfies (keyof Policy)[]) {
        expect(refusalOf({ ...right, policy: { [field]: value } }), field).toMatch(
          new RegExp(`${field}: expected a number of milliseconds, more than 0 and at most 2147483647; got`),
        );
      }
    },
  );
  test.each([['fast'], [5], [null], [[]]])('a policy that is %j', (policy) => {
    expect(refusalOf({ ...right, policy })).toContain('policy: expected');
  });
});

describe('rubbish in any field', () => {
  const fields = [
    'prewarm', 'session', 'agent', 'start', 'prepare', 'program', 'greeting', 'goodbye', 'apology', 'filler', 'nudge', 'windDown',
    'hangUp', 'onCrash', 'policy', 'participants', 'reports', 'alerts', 'logFields',
  ]; // prettier-ignore
  test.each(fields)('%s', (field) => {
    const never = ['text', 12, true, Symbol('x'), 5n, ['text'], Number.NaN];
    for (const value of never) {
      if (field === 'participants' && Array.isArray(value)) continue;
      expect(refusalOf({ ...right, [field]: value }), String(value)).toContain(field);
    }
  });
  test('whatever is given, the answer is a definition or one of our errors', () => {
    const readable = hostileValues.filter(([what]) => !/throws|proxy|10 MB|million/.test(what)); // the first throw their own error
    for (const [what, make] of readable)
      for (const field of fields)
        expect(() => refusalOf({ ...right, [field]: make() }), `${field}: ${what}`).not.toThrow();
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), fc.anything()), (given) => {
        const refused = refusalOf({ ...right, ...given });
        expect(refused === undefined || refused.length > 0).toBe(true);
      }),
      { seed: 2, numRuns: 300 },
    );
  });
});

describe('destinations of rubbish', () => {
  const refused = (run: () => unknown) => expect(run).toThrow(ConfigError);
  test.each([
    '', ' ', 'example.com', '//example.com', 'javascript:alert(1)', 'data:,x', 'ftp://example.com', 'file:///etc/passwd',
    'https://', 'https://user:pass@example.com', 'http://example.com', 'https://exa mple.com', 'https://[::1', '\u0000',
    12, null, {}, [], () => 'https://example.com',
  ])('a webhook to %j', (url) => {
    refused(() => webhook({ url: url as string }));
    refused(() => slack({ url: url as string }));
  }); // prettier-ignore
  test.each(['', ' ', '\u0000', 'reports\u0000/../../etc', 12, null, {}, [], undefined])('a directory %j', (dir) => {
    refused(() => file({ dir: dir as string }));
  });
  test.each([
    'file://host/share.js',
    'file:///a%2Fb.js',
    'file:///a%00b.js',
    'https://example.com/a.js',
    'a.js',
    '',
    12,
    null,
  ])('a module %j', (url) => refused(() => destination(url as never)));
  test('options of any kind', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(webhook, file, stdout, slack), (options, make) => {
        try {
          make(options as never);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { seed: 4, numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.array(fc.anything()), (list) => {
        try {
          checkDestinations(list);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
  test('a URL from metadata: any text leads nowhere but where the list allows', () => {
    const hook = webhook({ fromMetadata: { field: 'callback', allow: ['https://*.example.com/hooks/*'] } });
    const urls = fc.oneof(
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'https://a.example.com.attacker.net/hooks/x', 'https://a.example.com@attacker.net/hooks/x', 'https://a.example.com/hooks/x',
        'https://a.example.com\\@attacker.net/hooks/x', 'https://attacker.net/hooks/?https://a.example.com/hooks/x',
      ), // prettier-ignore
    );
    fc.assert(
      fc.property(
        fc.oneof(
          urls.map((callback) => JSON.stringify({ callback })),
          fc.string(),
          fc.json(),
        ),
        (metadata) => {
          const { name, url } = readAddress(addressFor(hook, metadata));
          expect(name).toBe(hook.name);
          const target = targetOf(hook, url);
          if ('url' in target) expect(target.url.href).toMatch(/^https:\/\/[^/@\\]+\.example\.com\/hooks\//);
        },
      ),
      { seed: 6, numRuns: 800 },
    );
  });
});

test('a URL from metadata with a zero byte is no URL: the store would cut it there, and another one would be called', () => {
  const hook = webhook({ fromMetadata: { field: 'callback', allow: ['https://a.example.com/*'] } });
  const { url } = readAddress(addressFor(hook, JSON.stringify({ callback: 'https://a.example.com/x\u0000/y' })));
  expect(targetOf(hook, url)).toHaveProperty('refused');
});

describe('metadata that reaches for a prototype', () => {
  const merged = (target: Record<string, unknown>, source: unknown): void => {
    for (const [key, value] of Object.entries(source as object)) {
      const inner = target[key];
      if (typeof value === 'object' && value !== null && (typeof inner === 'object' || typeof inner === 'function'))
        merged(inner as Record<string, unknown>, value);
      else target[key] = value;
    }
  };
  test.each([
    '{"__proto__":{"polluted":1},"b":2}',
    '{"\\u005f_proto__":{"polluted":1},"b":2}',
    '{"constructor":{"prototype":{"polluted":1}},"b":2}',
    '{"c\\u006fnstructor":{"prototype":{"polluted":1}},"b":2}',
    '{"a":[{"constructor":{"prototype":{"polluted":1}}}],"b":2}',
  ])('%s, merged by a careless hand, changes nobody else', (text) => {
    const target: Record<string, unknown> = { a: [{}] };
    merged(target, parseMetadata(text));
    expect(target['b']).toBe(2);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
  test('a field that is only called constructor stays', () => {
    expect(parseMetadata('{"constructor":"Smith & Sons"}')).toEqual({ constructor: 'Smith & Sons' });
  });
  test('10 MB are parsed, and nesting without end is a text', () => {
    const huge = JSON.stringify({
      note: 'x'.repeat(5_000_000),
      list: Array.from({ length: 500_000 }, (_, index) => `n${index}`),
    });
    expect(parseMetadata(huge)).toMatchObject({ list: { length: 500_000 } });
    const deep = `{"__proto__":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(() => parseMetadata(deep)).not.toThrow();
  });
});

test('prewarm may throw anything: it is remembered, `undefined` too, so that the caller hears the apology', async () => {
  initializeLogger({ pretty: false, level: 'silent' });
  for (const [what, make] of hostileThrows) {
    const warm = new WarmProcess();
    await warm.prewarm(() => {
      throw make();
    });
    expect((await warm.stepIn()).prewarmFailure, what).toBeInstanceOf(Error);
  }
});
