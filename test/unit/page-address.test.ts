import { describe, expect, it } from 'vitest';
import { commandOf } from '../../src/inspector/page/place/key-commands.ts';
import { callView, codeIn, hashOfView, viewOf, type PageView } from '../../src/inspector/page/place/page-address.ts';
import { eventLines } from '../../src/inspector/page/place/event-lines.ts';
import { lasting, sinceBegin } from '../../src/inspector/page/place/time-words.ts';
import { chartForPage } from '../page/chart-for-page.ts';

describe('the address of a view', () => {
  const views: PageView[] = [
    { name: 'calls', filter: 'room:"table 41" & more', chips: ['silent'], sort: 'age' },
    callView('AJ_7Qd2', {
      at: 12,
      density: 'story',
      filter: 'text:/a.*b/',
      chips: ['failed', 'silent'],
      panel: 'said',
    }),
    callView('AJ_7Qd2', { ref: 'keeper:9' }),
    { name: 'diff', one: 'a.b', other: 'c d' },
    { name: 'deliveries', state: 'dead' },
    { name: 'ledger' },
  ];

  it.each(views)('leads back to the same view: $name', (view) => {
    expect(viewOf(hashOfView(view))).toEqual(view);
  });

  it('is the list where it cannot be understood', () => {
    for (const hash of ['', '#', '#/nothing', '#/call/', '#/diff/one', '#/%E0%A4%A', '#code=abc'])
      expect(viewOf(hash)).toMatchObject({ name: 'calls', filter: '' });
  });

  it('leaves out what no view has', () => {
    expect(viewOf('#/call/one?at=-3&ref=javascript:1&density=all&only=failed,evil&panel=x')).toEqual(
      callView('one', { chips: ['failed'] }),
    );
  });

  it('has its code in one form only', () => {
    expect(codeIn('#code=aB-_9')).toBe('aB-_9');
    expect(codeIn('#/call/one?code=abc')).toBeUndefined();
  });
});

describe('keys', () => {
  const pressed = (key: string, more: object = {}) => ({
    key,
    shiftKey: false,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    focus: 'body',
    isComposing: false,
    ...more,
  });

  it('go through the call, and into the filter', () => {
    expect(commandOf(pressed('ArrowLeft'))).toBe('entry-back');
    expect(commandOf(pressed('ArrowRight', { shiftKey: true }))).toBe('transition-on');
    expect(commandOf(pressed('/'))).toBe('filter');
    expect(commandOf(pressed('?', { shiftKey: true }))).toBe('help');
    expect(commandOf(pressed('x'))).toBeUndefined();
  });

  it('are silent while somebody types, and leave the browser its own', () => {
    for (const focus of ['input', 'textarea', 'select', 'editable'])
      for (const key of ['ArrowLeft', '/', '?', '[', 'Escape', 'Home'])
        expect(commandOf(pressed(key, { focus }))).toBeUndefined();
    expect(commandOf(pressed('ArrowLeft', { altKey: true }))).toBeUndefined();
    expect(commandOf(pressed('/', { isComposing: true }))).toBeUndefined();
  });

  it('leave tabs and the chart their arrows', () => {
    expect(commandOf(pressed('ArrowRight', { focus: 'tab' }))).toBeUndefined();
    expect(commandOf(pressed('ArrowRight', { focus: 'chart' }))).toBeUndefined();
    expect(commandOf(pressed('/', { focus: 'chart' }))).toBe('filter');
  });
});

describe('events of a stream', () => {
  it('come whole, however the text is cut', () => {
    const text = ': still here\n\nid: 1:8,keeper:2\nevent: entries\ndata: {"rows":\ndata: []}\n\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const take = eventLines();
      expect([...take(text.slice(0, cut)), ...take(text.slice(cut))]).toEqual([
        { id: '1:8,keeper:2', event: 'entries', data: '{"rows":\n[]}' },
      ]);
    }
  });
});

describe('times in few characters', () => {
  it.each([
    [0, '0:00.0'],
    [7_449, '0:07.4'],
    [723_000, '12:03.0'],
    [3_723_000, '1:02:03'],
    [-500, '−0:00.5'],
  ])('%i ms since the begin is %s', (ms, words) => expect(sinceBegin(ms)).toBe(words));
  it.each([
    [400, '0.4 s'],
    [12_000, '12 s'],
    [185_000, '3 min 5 s'],
    [7_500_000, '2 h 5 min'],
    [432_000_000, '5 d'],
  ])('%i ms are %s', (ms, words) => expect(lasting(ms)).toBe(words));
});

describe('a drawing for the page', () => {
  const drawn = `<svg viewBox="0.00 0.00 100.00 50.00"><g id="graph0" class="graph" transform="scale(1 1) rotate(0) translate(4 46)">
<polygon fill="white" stroke="none" points="0,0 1,1"/>
<g id="live_a" class="node"><title>live_a</title><path fill="#fff3d6" stroke="#5b6470" d="M10,-30C10,-30 40,-30 40,-30 40,-30 40,-10 40,-10"/><text xml:space="preserve" x="12" y="-20" font-weight="bold" font-size="12.00">a&#160;&#160;</text></g>
<g id="edge1" class="edge"><title>live_a&#45;&gt;live_b</title><path fill="none" stroke="#39424e" d="M1.26,2.51C3,4 5,6 7,8"/></g></g></svg>`;

  it('keeps ids, and has classes in place of colours', () => {
    const text = chartForPage(drawn);
    expect(text).toContain(
      '<g id="live_a"><rect class="c-box c-silent" x="10" y="-30" width="30" height="20" rx="7"/>',
    );
    expect(text).toContain('data-box="-4 -46 100 50"');
    expect(text).not.toMatch(/fill=|stroke=|style=|font-family/);
  });

  it('refuses what is no drawing of Graphviz', () => {
    expect(() => chartForPage('<svg></svg>')).toThrow('expected groups as Graphviz writes them, got none');
  });
});
