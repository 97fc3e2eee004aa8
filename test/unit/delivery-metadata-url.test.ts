import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInsideHost, isPublicAddress } from '../../src/delivery/addresses.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { addressFor, matchesPattern, patternProblem, readAddress, targetOf } from '../../src/delivery/metadata-url.ts';

const allows = (pattern: string, url: string) => matchesPattern(new URL(url), pattern);

describe('an allow pattern', () => {
  it('takes the host as it is, and *. for its subdomains', () => {
    expect(allows('https://example.com', 'https://example.com/any/path?x=1')).toBe(true);
    expect(allows('https://example.com', 'https://a.example.com/')).toBe(false);
    expect(allows('https://*.example.com', 'https://a.b.example.com/')).toBe(true);
    expect(allows('https://*.example.com', 'https://example.com/')).toBe(false);
    expect(allows('https://*', 'https://anything.example/')).toBe(true);
  });

  it('is not fooled by a host that only looks alike', () => {
    for (const url of [
      'https://example.com.attacker.net/',
      'https://example.com@attacker.net/',
      'https://attacker.net/https://example.com/',
      'https://attacker.net/#https://example.com/',
      'https://notexample.com/',
    ]) {
      expect(allows('https://example.com/*', url)).toBe(false);
      expect(allows('https://*.example.com/*', url)).toBe(false);
    }
  });

  it('holds for scheme, port and path', () => {
    expect(allows('https://example.com', 'http://example.com/')).toBe(false);
    expect(allows('https://example.com', 'https://example.com:8443/')).toBe(false);
    expect(allows('https://example.com:8443', 'https://example.com:8443/')).toBe(true);
    expect(allows('https://example.com:443', 'https://example.com/')).toBe(true);
    expect(allows('https://example.com/hooks/*', 'https://example.com/hooks/1')).toBe(true);
    expect(allows('https://example.com/hooks/*', 'https://example.com/admin')).toBe(false);
    expect(allows('https://example.com/hooks/*', 'https://example.com/hooks/../admin')).toBe(false);
    expect(allows('https://example.com/a.b', 'https://example.com/aXb')).toBe(false);
  });

  it('is refused when its host is half a glob', () => {
    for (const wrong of [
      'example.com',
      '*',
      'ftp://example.com',
      'https://exa*mple.com',
      'https://example.com*',
      'https://a.*.com',
      7,
    ]) {
      expect(patternProblem(wrong), String(wrong)).toBeDefined();
    }
  });
});

describe('the URL of a job', () => {
  const hook = webhook({ fromMetadata: { field: 'callback.url', allow: ['https://*.example.com/*'] } });
  const refusalOf = (metadata: string) => {
    const { name, url } = readAddress(addressFor(hook, metadata));
    expect(name).toBe(hook.name);
    const target = targetOf(hook, url);
    return 'refused' in target ? target.refused : undefined;
  };

  it('is found in nested fields and under keys with dots', () => {
    for (const metadata of [
      { callback: { url: 'https://a.example.com/x' } },
      { 'callback.url': 'https://a.example.com/x' },
    ]) {
      const { url } = readAddress(addressFor(hook, JSON.stringify(metadata)));
      expect(targetOf(hook, url)).toEqual({ url: new URL('https://a.example.com/x'), untrusted: true });
    }
  });

  it('that is missing, none, or not allowed is refused with the reason', () => {
    const at = (url: unknown) => JSON.stringify({ callback: { url } });
    expect(refusalOf('')).toContain('no URL in its field "callback.url"');
    expect(refusalOf('no json')).toContain('no URL in its field');
    expect(refusalOf('null')).toContain('no URL in its field');
    expect(refusalOf(at(7))).toContain('no URL in its field');
    expect(refusalOf(at('nonsense'))).toContain('is not a URL: a text of 8 characters');
    expect(refusalOf(at(`https://a.example.com/${'x'.repeat(3_000)}`))).toContain('is not a URL: (a text of 3022');
    expect(refusalOf(at('https://attacker.net/'))).toContain('matches none of the allowed patterns');
    expect(refusalOf(at('https://u:p@a.example.com/'))).toContain('user and password');
  });

  it('may be a base: a fixed path comes behind it, and the whole is what has to be allowed', () => {
    const field = 'webhookURL';
    const allow = ['https://*.example.com/*/calls/ended', 'https://b.example.com/calls/ended'];
    const based = webhook({ fromMetadata: { field, allow, path: '/calls/ended' } });
    const to = (base: string) => targetOf(based, base);
    for (const base of ['https://a.example.com/v1', 'https://a.example.com/v1/'])
      expect(to(base)).toEqual({ url: new URL('https://a.example.com/v1/calls/ended'), untrusted: true });
    expect(to('https://b.example.com')).toMatchObject({ url: new URL('https://b.example.com/calls/ended') });
    expect(to('https://a.example.com/v1?next=')).toMatchObject({
      refused: expect.stringContaining('base URL, without ?'),
    });
    expect(to('https://a.example.com/v1#x')).toMatchObject({ refused: expect.stringContaining('base URL') });
    expect(to('https://attacker.net/v1')).toMatchObject({ refused: expect.stringContaining('none of the allowed') });
    expect(based.name).toBe('metadata:webhookURL/calls/ended');
  });

  it('in clear text needs allowPrivate and a host of the own network', () => {
    const at = (host: string, allowPrivate: boolean) =>
      targetOf(webhook({ fromMetadata: { field: 'u', allow: ['http://*'] }, allowPrivate }), `http://${host}/`);
    expect(at('10.0.0.1', true)).toMatchObject({ untrusted: false });
    expect(at('10.0.0.1', false)).toMatchObject({ refused: expect.stringContaining('not https:') });
    expect(at('example.com', true)).toMatchObject({ refused: expect.stringContaining('not https:') });
  });

  it('makes a row for any metadata, whose name is read back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (metadata) => {
        expect(readAddress(addressFor(hook, metadata)).name).toBe(hook.name);
      }),
    );
  });
});

describe('a public address', () => {
  it('is none of these', () => {
    for (const address of [
      '127.0.0.1',
      '127.255.0.1',
      '0.0.0.0',
      '10.1.1.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '::7f00:1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '2002:7f00:1::',
      '2001::1',
      '2001:db8::1',
      'fd00::1',
      'fe80::1',
      'ff02::1',
      'localhost',
      '',
      '127.1',
    ]) {
      expect(isPublicAddress(address), address).toBe(false);
    }
  });

  it('is one of these', () => {
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700::1111',
      '2a00:1450:4001::64',
    ]) {
      expect(isPublicAddress(address), address).toBe(true);
    }
  });

  it('is not meant by localhost, single labels and private suffixes', () => {
    expect(['localhost', 'receiver', 'a.svc', 'a.local', '[::1]', '10.0.0.1'].every(isInsideHost)).toBe(true);
    expect(['example.com', '8.8.8.8', 'local.example.com', '[2606:4700::1111]'].some(isInsideHost)).toBe(false);
  });
});

// As a regular expression it takes longer than any test may.
it('a pattern with many stars costs a stranger’s long URL no time', () => {
  const pattern = `https://example.com/${'*a'.repeat(30)}*b`;
  expect(matchesPattern(new URL(`https://example.com/${'a'.repeat(2_000)}`), pattern)).toBe(false);
  expect(matchesPattern(new URL(`https://example.com/${'a'.repeat(2_000)}b`), pattern)).toBe(true);
});
