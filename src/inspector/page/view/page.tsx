/** The whole page: its head, what the address asks for, the keys, and what a screen reader is told. */
import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { PageModel } from '../model/page-model.ts';
import { commandOf } from '../place/key-commands.ts';
import { indexesAfter } from '../place/steps-between.ts';
import { sinceBegin } from '../place/time-words.ts';
import { CallPage } from './call-page.tsx';
import { CallList } from './calls.tsx';
import { DeliveriesPage } from './deliveries.tsx';
import { DiffPage } from './diff.tsx';
import { Help } from './help.tsx';
import { LedgerPage } from './ledger.tsx';

export function WholePage({ model }: { model: PageModel }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => handleKey(event, model);
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [model]);
  const view = model.view.value;
  const call = model.call.value;
  useEffect(() => {
    const names = { calls: 'calls', diff: 'two calls', deliveries: 'deliveries', ledger: 'ledger' };
    document.title = `${view.name === 'call' ? view.session : names[view.name]} · Lastword`;
  }, [view]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        To the content
      </a>
      <Head model={model} />
      {view.name === 'calls' && <CallList model={model} view={view} />}
      {view.name === 'call' && call && <CallPage key={call.session} model={model} call={call} view={view} />}
      {view.name === 'diff' && <DiffPage model={model} one={view.one} other={view.other} />}
      {view.name === 'deliveries' && <DeliveriesPage model={model} view={view} />}
      {view.name === 'ledger' && <LedgerPage model={model} />}
      <Help model={model} />
      <Said model={model} />
    </>
  );
}

const skip = (event: MouseEvent) => {
  event.preventDefault();
  const main = document.querySelector<HTMLElement>('#main');
  main?.setAttribute('tabindex', '-1');
  main?.focus();
};

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

function Head({ model }: { model: PageModel }) {
  const theme = useSignal<Theme>(themes.find((each) => each === document.documentElement.dataset['theme']) ?? 'auto');
  const turn = () => {
    theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto';
    setTheme(theme.value);
  };
  const view = model.view.value.name;
  const link = (href: string, name: string, says: string) => (
    <a href={href} aria-current={view === name ? 'page' : undefined}>
      {says}
    </a>
  );
  return (
    <header class="head">
      <a class="brand" href="#/">
        <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
          <path d="M5 20v-8M11 23V9M17 20v-8M23 17v-2" />
          <circle cx="28" cy="21" r="2.4" />
        </svg>
        Lastword
      </a>
      {model.answers.isLive ? (
        <nav aria-label="Views">
          {link('#/', 'calls', 'Calls')}
          {link('#/deliveries', 'deliveries', 'Deliveries')}
          {link('#/ledger', 'ledger', 'Ledger')}
        </nav>
      ) : (
        <span class="quiet">one call, as a file</span>
      )}
      <span class="head-space" />
      <button
        type="button"
        class="button icon"
        aria-label={`Colours: ${theme.value}`}
        title={`colours: ${theme.value}`}
        onClick={turn}
      >
        <span aria-hidden="true">{{ auto: '◐', light: '○', dark: '●' }[theme.value]}</span>
      </button>
      <button
        type="button"
        class="button icon"
        aria-label="Keys"
        title="keys (?)"
        onClick={() => (model.isHelpOpen.value = true)}
      >
        <span aria-hidden="true">?</span>
      </button>
    </header>
  );
}

const THEME_KEY = 'lastword-theme';
/** *Effect.* Kept for the next time, where the browser keeps anything. */
export function setTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // a file, or a browser that keeps nothing
  }
}
export function keptTheme(): Theme {
  try {
    return themes.find((each) => each === localStorage.getItem(THEME_KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** State changes, for who does not see them: not more often than anybody can listen. */
function Said({ model }: { model: PageModel }) {
  const call = model.call.value;
  const state = call?.state.loaded.value.value;
  const row = call?.row.value;
  const begin = call?.all.value[0]?.at ?? 0;
  const words = state?.machines.map(({ machine, words: now }) => `${machine}: ${now}`).join('; ') ?? '';
  const where = row ? `${sinceBegin(row.at - begin)}, ${row.what} ${row.text}` : '';
  useEffect(() => {
    const timer = setTimeout(() => (model.said.value = `${where}. ${words}`.slice(0, 300)), 400);
    return () => clearTimeout(timer);
  }, [words, where]);
  return (
    <div class="unseen" role="status" aria-live="polite">
      {call ? model.said.value : ''}
    </div>
  );
}

/** Whoever steps goes on stepping: a key that is held down repeats 30 times a second. */
const AHEAD = 12;

function handleKey(event: KeyboardEvent, model: PageModel): void {
  if (model.isHelpOpen.value || event.defaultPrevented) return;
  const { key, shiftKey, ctrlKey, altKey, metaKey, isComposing } = event;
  const command = commandOf({ key, shiftKey, ctrlKey, altKey, metaKey, isComposing, focus: focusOf(event.target) });
  if (command === undefined) return;
  const call = model.call.value;
  if (command === 'help') model.isHelpOpen.value = true;
  else if (command === 'filter') model.filterAsked.value += 1;
  else if (!call) return;
  else if (command === 'live') model.stand(null);
  else {
    const shown = call.listed.value.value?.rows ?? [];
    const [next, ...further] = indexesAfter(command, call.index.value, call.all.value, shown, 1 + AHEAD);
    if (next !== undefined) model.stand(next);
    void call.prepare(further);
  }
  event.preventDefault();
}

function focusOf(target: EventTarget | null): string {
  if (!(target instanceof Element)) return '';
  if (target instanceof HTMLElement && target.isContentEditable) return 'editable';
  if (target.getAttribute('role') === 'tab') return 'tab';
  if (target instanceof HTMLElement && target.dataset['keys'] !== undefined) return target.dataset['keys'];
  return target.tagName.toLowerCase();
}
