import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forPeople, withoutSecrets } from '../../src/output/for-people.ts';
import { addressForPeople } from '../../src/delivery/metadata-url.ts';

describe('what people read', () => {
  test.each([
    ['https://crm.example.com/hooks/T0p-s3cret?key=abc#x', 'https://crm.example.com/…'],
    ['connect to wss://user:word@sfu.example:7880/rtc?access_token=eyJ failed', 'connect to wss://sfu.example:7880/… failed'],
    ['(https://example.com/)', '(https://example.com/…'],
    ['postgres://me:word@db/calls', 'postgres://db/…'],
    ['ws://localhost:7880', 'ws://localhost:7880'],
    ['identity sip_+4930123456 is gone', 'identity sip_+…56 is gone'],
    ['room call-_+15551234567_abC', 'room call-_+…67_abC'],
    ['REFER tel:+1 (555) 123-4567 refused', 'REFER tel:… refused'],
    ['sip:alice@pbx.example: busy', 'sip:… busy'],
    ['1e+21 of 2026-11-28T10:00:00+01:00', '1e+21 of 2026-11-28T10:00:00+01:00'],
    ['file:///srv/agent.js:3:1', 'file:///srv/agent.js:3:1'],
  ])('%s', (text, shown) => expect(withoutSecrets(text)).toBe(shown)); // prettier-ignore

  test('a line of JSON stays one, with the same fields, whatever is in them', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constant('https://a/b"c'),
      fc.constant('tel:+49301234567'),
    );
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.oneof(hostile, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
        ),
        (fields) => {
          const line = JSON.stringify({ time: Date.now(), fields: Object.entries(fields) });
          const read = JSON.parse(withoutSecrets(line)) as { time: number; fields: [string, unknown][] };
          expect(read.fields.map(([, value]) => typeof value)).toEqual(
            Object.values(fields).map((value) => typeof value),
          );
        },
      ),
    );
  });

  test('no line is forged, no colour, no direction', () => {
    expect(forPeople('a\nlevel=fatal\u001b[31m\u009b2J\u202egpj')).toBe('a level=fatal [31m 2J gpj');
  });

  test.each([
    ['reports', 'reports'],
    ['https://crm.example.com/hooks/key', 'https://crm.example.com/…'],
    ['metadata:callback => https://tenant.example.com/hooks/key?token=t', 'metadata:callback => https://tenant.example.com'],
    ['metadata:callback => nonsense\u001b[31m', 'metadata:callback => no URL'],
  ])('the address %s', (address, shown) => expect(addressForPeople(address)).toBe(shown)); // prettier-ignore
});
