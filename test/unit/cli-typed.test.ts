import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/demo/nearest.ts';
import { HELP, parseTyped } from '../../src/demo/typed.ts';

describe('what is typed into a call', () => {
  it('is spoken unless it begins with a slash', () => {
    expect(parseTyped('  what are your opening hours ')).toEqual({ kind: 'line', text: 'what are your opening hours' });
    expect(parseTyped(' \t')).toEqual({ kind: 'nothing' });
  });

  it.each([
    ['/hangup', { kind: 'hangup' }],
    ['/VANISH', { kind: 'vanish' }],
    ['/return ', { kind: 'return' }],
    ['/fail llm', { kind: 'fail', component: 'llm' }],
    ['/fail  TTS', { kind: 'fail', component: 'tts' }],
    ['/hang tool', { kind: 'hang-tool' }],
    ['/heal', { kind: 'heal' }],
    ['/slow llm', { kind: 'slow', component: 'llm' }],
    ['/silence tts', { kind: 'silence', component: 'tts' }],
    ['/receiver down', { kind: 'receiver', isDown: true }],
    ['/receiver up', { kind: 'receiver', isDown: false }],
    ['/kill', { kind: 'kill', victim: 'job' }],
    ['/kill job', { kind: 'kill', victim: 'job' }],
    ['/kill WORKER', { kind: 'kill', victim: 'worker' }],
    ['/kill  keeper', { kind: 'kill', victim: 'keeper' }],
    ['/shutdown', { kind: 'shutdown' }],
    ['/help', { kind: 'help' }],
  ])('%s is understood', (typed, command) => {
    expect(parseTyped(typed)).toEqual(command);
  });

  it.each([
    ['/fial', /did you mean \/fail/],
    ['/hangu', /did you mean \/hangup/],
    ['/zzzzzzzz', /\/help lists/],
    ['/', /\/help lists/],
    ['/fail', /expected llm, tts, stt, got nothing/],
    ['/fail vad', /expected llm, tts, stt, got "vad"/],
    ['/hang', /expected tool, got nothing.*\/hangup to hang up/],
    ['/kill caller', /expected job, worker, keeper, got "caller"; write \/kill job/],
    ['/hangup now', /expected nothing after it, got "now"/],
    ['/toString', /\/help lists/],
    ['/__proto__', /\/help lists/],
  ])('%s explains itself', (typed, why) => {
    const command = parseTyped(typed);
    expect(command.kind).toBe('wrong');
    expect(command).toHaveProperty('why', expect.stringMatching(why));
  });

  it('has a help that names every command', () => {
    const plain = ['/hangup', '/vanish', '/return', '/fail', '/heal', '/hang tool', '/shutdown', '/help'];
    for (const name of [...plain, '/kill job', '/kill worker', '/kill keeper']) expect(HELP).toContain(name);
  });
});

describe('nearest', () => {
  it('finds what was meant: a swapped letter, a missing one, a beginning', () => {
    expect(nearest('sesions', ['sessions', 'show'], 1)).toEqual(['sessions']);
    expect(nearest('/fial', ['/heal', '/kill', '/fail'], 1)).toEqual(['/fail']);
    expect(nearest('AJ_8', ['AJ_8sRJzQaTVhRC', 'AJ_wNq2hPMwj5cC'])).toEqual(['AJ_8sRJzQaTVhRC']);
  });

  it('finds nothing rather than anything', () => {
    expect(nearest('completely-else', ['sessions', 'show'])).toEqual([]);
    expect(nearest('', ['sessions'])).toEqual([]);
  });
});
