import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { reportId, sessionOfReport } from '../../src/report/fold.ts';
import { secretProblem, signHeaders, signWebhook, verifyWebhook } from '../../src/delivery/sign.ts';

const secretOf = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`;
const secret = secretOf();
const other = secretOf();
const body = JSON.stringify({ type: 'session.report', data: { said: 'Grüße, 你好 👋' } });
const at = Date.now();
const signed = (secrets: string[] = [secret]) => signHeaders({ id: 'report-1', at, body, secrets });

describe('a signature of ours', () => {
  it('can be made for the report of every session that a journal takes, and leads back to that session', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/), (session) => {
        const id = reportId(session);
        expect(new Webhook(secret).verify(body, signHeaders({ id, at, body, secrets: [secret] }))).toBeDefined();
        expect(sessionOfReport(id)).toBe(session);
      }),
      { examples: [['AJ_1.2'], ['a.'], ['0..']] },
    );
  });

  it('is accepted by the reference verifier', () => {
    expect(new Webhook(secret).verify(body, signed())).toEqual(JSON.parse(body));
  });

  it('equals the one of the reference signer, for any body', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 24, max: 64 }), (text, bytes) => {
        const one = secretOf(bytes);
        const headers = signHeaders({ id: 'a', at, body: text, secrets: [one] });
        expect(headers['webhook-signature']).toBe(new Webhook(one).sign('a', new Date(at), text));
      }),
    );
  });

  it('of two secrets is accepted by a receiver that knows only one of them', () => {
    const headers = signed([other, secret]);
    expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
    expect(new Webhook(other).verify(body, headers)).toBeTruthy();
  });

  it('is of the attempt: the same message an hour later signs differently', () => {
    const later = signHeaders({ id: 'report-1', at: at + 3_600_000, body, secrets: [secret] });
    expect(later['webhook-id']).toBe('report-1');
    expect(later['webhook-signature']).not.toBe(signed()['webhook-signature']);
  });

  it('is absent without a secret', () => {
    expect(Object.keys(signed([]))).toEqual(['webhook-id', 'webhook-timestamp']);
  });

  it('is refused for an id with a dot', () => {
    expect(() => signHeaders({ id: 'a.b', at, body, secrets: [] })).toThrow(RangeError);
  });
});

describe('our verifier', () => {
  const verify = (more: Partial<Parameters<typeof verifyWebhook>[0]> = {}) =>
    verifyWebhook({ headers: signed(), body, secrets: [secret], now: at, ...more });

  it('accepts what the reference signs', () => {
    const headers = {
      'webhook-id': 'x',
      'webhook-timestamp': String(Math.floor(at / 1_000)),
      'webhook-signature': new Webhook(secret).sign('x', new Date(at), body),
    };
    expect(verify({ headers })).toEqual({ ok: true, id: 'x' });
  });

  it('refuses a changed body, id, timestamp and another secret', () => {
    expect(verify({ body: `${body} ` }).ok).toBe(false);
    expect(verify({ headers: { ...signed(), 'webhook-id': 'report-2' } }).ok).toBe(false);
    expect(verify({ headers: { ...signed(), 'webhook-timestamp': String(Math.floor(at / 1_000) + 1) } }).ok).toBe(
      false,
    );
    expect(verify({ secrets: [other] }).ok).toBe(false);
    expect(verify({ secrets: [] }).ok).toBe(false);
  });

  it('refuses what is older or newer than five minutes', () => {
    expect(verify({ now: at + 299_000 }).ok).toBe(true);
    expect(verify({ now: at + 302_000 })).toMatchObject({ ok: false, why: expect.stringContaining('old') });
    expect(verify({ now: at - 302_000 })).toMatchObject({ ok: false, why: expect.stringContaining('ahead') });
  });

  it('survives any headers', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature'), fc.string()),
        (headers) => {
          expect(verify({ headers }).ok).toBe(false);
        },
      ),
    );
  });
});

describe('a secret', () => {
  it('is whsec_ and base64 of 24 to 64 bytes', () => {
    for (const bytes of [24, 32, 64]) expect(secretProblem(secretOf(bytes))).toBeUndefined();
    for (const bytes of [8, 23, 65]) expect(secretProblem(secretOf(bytes))).toMatchObject({ got: `${bytes} bytes` });
    for (const wrong of [undefined, 7, '', 'hunter2', 'whsec_', 'whsec_not base64!'])
      expect(secretProblem(wrong)).toBeDefined();
  });

  it('is not repeated in what is said about it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (text) => {
        expect(JSON.stringify(secretProblem(text))).not.toContain(text);
      }),
    );
  });
});

describe('signWebhook, for a test of a receiver', () => {
  it('signs as we do: the reference verifier and ours take it', () => {
    const headers = signWebhook({ id: 'report-1', body, secrets: [secret] });
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(verifyWebhook({ headers, body, secrets: [secret] })).toEqual({ ok: true, id: 'report-1' });
    expect(signWebhook({ id: 'report-1', body, secrets: [secret], now: at })).toEqual(signed());
  });
  it('refuses what cannot sign, and repeats no secret', () => {
    const refusal = (given: object) => () => signWebhook({ id: 'a', body, secrets: [secret], ...given });
    expect(refusal({ secrets: [] })).toThrow('secrets: expected a list of one secret or more, got none');
    expect(refusal({ secrets: undefined })).toThrow('secrets: expected a list');
    expect(refusal({ secrets: [undefined] })).toThrow(/secrets\[0\]: expected whsec_.*got nothing/);
    expect(refusal({ secrets: ['hunter2-hunter2'] })).toThrow(/got 15 characters without whsec_$/);
    expect(refusal({ id: 'a.b' })).toThrow('webhook-id: expected some characters without a dot');
  });
});
