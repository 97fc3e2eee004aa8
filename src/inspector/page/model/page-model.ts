/** What the page knows: where it is, its answers, the time, the size of the window. */
import { computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals';
import type { PageAnswers, PlayedCall } from '../answers/page-answers.ts';
import { callView, hashOfView, viewOf, type CallView, type PageView } from '../place/page-address.ts';
import { CallModel } from './call-model.ts';

/** Bars that run down, and silences that grow. */
const TICK_MS = 100;
/** A browser takes 20 addresses a second and asks for its icon anew at each; whoever draws a slider makes 60. */
const WRITTEN_MS = 150;

export class PageModel {
  readonly answers: PageAnswers;
  readonly view: Signal<PageView>;
  readonly call: Signal<CallModel | undefined> = signal(undefined);
  readonly callView: ReadonlySignal<CallView | undefined>;
  readonly now: Signal<number> = signal(Date.now());
  /** Beside `npm start`: the call that is played with from here. */
  readonly played: Signal<PlayedCall | undefined> = signal(undefined);
  readonly isHelpOpen: Signal<boolean> = signal(false);
  /** What a screen reader says next. */
  readonly said: Signal<string> = signal('');
  /** Puts the cursor into the filter of what is shown. */
  readonly filterAsked: Signal<number> = signal(0);
  #writing: ReturnType<typeof setTimeout> | undefined;

  constructor(answers: PageAnswers, only?: string) {
    this.answers = answers;
    const first = viewOf(location.hash);
    const isElsewhere = only !== undefined && (first.name !== 'call' || first.session !== only);
    this.view = signal(isElsewhere ? viewOf(`#/call/${encodeURIComponent(only)}`) : first);
    this.callView = computed(() => (this.view.value.name === 'call' ? this.view.value : undefined));
    const session = computed(() => this.callView.value?.session);
    effect(() => {
      const wanted = session.value;
      untracked(() => this.#open(wanted));
    });
    void answers.played().then((played) => {
      this.played.value = played;
      // Who opens the page of npm start wants to see that call; whoever was sent a view wants that one.
      if (played !== undefined && ['', '#', '#/'].includes(location.hash)) this.stay(callView(played.session));
    });
    addEventListener('popstate', () => (this.view.value = viewOf(location.hash)));
    addEventListener('hashchange', () => (this.view.value = viewOf(location.hash)));
    setInterval(() => {
      if (!document.hidden) this.now.value = Date.now();
    }, TICK_MS);
  }

  #open(session: string | undefined): void {
    const open = this.call.peek();
    if (open?.session === session) return;
    open?.close();
    if (session === undefined) return void (this.call.value = undefined);
    const ofIt = computed(() => (this.callView.value?.session === session ? this.callView.value : undefined));
    this.call.value = new CallModel(this.answers, session, ofIt, () => document.hidden);
  }

  /** Another view: the back button returns from it. */
  go(view: PageView): void {
    if (hashOfView(view) === hashOfView(this.view.value)) return;
    this.#writeAddress(); // the place that was left is the one that the back button returns to
    history.pushState(null, '', hashOfView(view));
    this.view.value = view;
  }

  /** The same view a little further: a slider makes no history. */
  stay(view: PageView): void {
    this.view.value = view;
    this.#writing ??= setTimeout(() => this.#writeAddress(), WRITTEN_MS);
  }

  #writeAddress(): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    const hash = hashOfView(this.view.peek());
    if (hash !== hashOfView(viewOf(location.hash))) history.replaceState(null, '', hash);
  }

  /** To an entry of the call that is shown; null: the newest. */
  stand(at: number | null): void {
    const view = this.callView.value;
    if (view) this.stay({ ...view, at, ref: null });
  }
}
