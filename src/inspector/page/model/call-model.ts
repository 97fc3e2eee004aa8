/**
 * One call, as the page has it: all entries, what is lit, and where the reader stands.
 *
 *   C1  Where the reader stands is an index among all entries, or nowhere: then the newest is shown, also while it grows.
 *   C2  What the stream brings is lit at once; lanes, the first line and exact states are asked for again a moment later.
 *   C3  A keeper's entry may be older than what is here already: then all are asked for again, and nothing is shown twice.
 *   C4  What becomes of a report is no entry of the call: as long as it is on its way, the first line is asked for again.
 */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Entries, EntryRow, Lanes, StateAt, WholeEntry, Why } from '../../../reads/answers.ts';
import type { LinkState, PageAnswers, SessionNews } from '../answers/page-answers.ts';
import type { CallView } from '../place/page-address.ts';
import { Latest } from './loaded.ts';

const PAGE_ROWS = 5_000;
const MOST_ROWS = 100_000;
/** Of states that were looked at: going back is at once. */
const MOST_STATES = 2_000;
/** News come in handfuls: what is computed from all of them is asked for once. */
const GATHER_MS = 200;
/** C4. */
const REPORT_MS = 2_000;

export class CallModel {
  readonly session: string;
  readonly why = new Latest<Why>();
  readonly lanes = new Latest<Lanes>();
  readonly listed = new Latest<Entries>();
  readonly state = new Latest<StateAt>();
  readonly whole = new Latest<WholeEntry>();
  readonly all: Signal<readonly EntryRow[]> = signal([]);
  readonly entries: Signal<Entries | undefined> = signal(undefined);
  readonly problem: Signal<string | undefined> = signal(undefined);
  readonly link: Signal<{ state: LinkState; why: string | undefined }> = signal({
    state: 'connecting',
    why: undefined,
  });
  /** What the stream lit last, until the exact state is here. */
  readonly news: Signal<SessionNews | undefined> = signal(undefined);
  readonly index: ReadonlySignal<number>;
  readonly isAtEnd: ReadonlySignal<boolean>;
  readonly row: ReadonlySignal<EntryRow | undefined>;

  readonly #answers: PageAnswers;
  readonly #view: ReadonlySignal<CallView | undefined>;
  readonly #states = new Map<number, StateAt>();
  readonly #stops: (() => void)[] = [];
  #gather: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #isLoading = false;

  /** @param view of this call; undefined: another one is shown */
  constructor(answers: PageAnswers, session: string, view: ReadonlySignal<CallView | undefined>) {
    this.#answers = answers;
    this.session = session;
    this.#view = view;
    this.isAtEnd = computed(() => view.value?.at === null && view.value.ref === null);
    this.index = computed(() => {
      const last = Math.max(0, this.all.value.length - 1);
      const { at = null, ref = null } = view.value ?? {};
      if (ref !== null) return this.all.value.find((row) => row.ref === ref)?.index ?? last;
      return Math.min(at ?? last, last);
    });
    this.row = computed(() => this.all.value[this.index.value]);
    this.#stops.push(
      effect(() => this.#askState(this.index.value, this.all.value.length)),
      effect(() => this.#askList()),
    );
    if (answers.isLive) {
      const timer = setInterval(() => this.#askReport(), REPORT_MS);
      this.#stops.push(() => clearInterval(timer));
    }
    void this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#gather);
    for (const stop of this.#stops) stop();
  }

  async #open(): Promise<void> {
    const { session } = this;
    this.why.ask(() => this.#answers.read('why', { session }));
    this.lanes.ask(() => this.#answers.read('lanes', { session }));
    await this.#load();
    if (this.#isClosed || this.entries.value === undefined) return;
    const { position } = this.entries.value;
    this.#stops.push(
      this.#answers.followSession(session, position, {
        take: (news) => this.#take(news),
        tell: (state, why) => (this.link.value = { state, why }),
      }),
    );
  }

  /** All entries, page by page: the first page is shown while the next ones come. */
  async #load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const rows: EntryRow[] = [];
      for (let from: number | null = 0; from !== null && rows.length < MOST_ROWS;) {
        const asked = { session: this.session, density: 'entries', from, limit: PAGE_ROWS };
        const page: Entries = await this.#answers.read('entries', asked);
        if (this.#isClosed) return;
        rows.push(...page.rows);
        from = page.next;
        batch(() => {
          this.problem.value = undefined;
          this.entries.value = page;
          if (rows.length >= this.all.value.length) this.all.value = [...rows];
        });
      }
      this.all.value = rows;
    } catch (error) {
      if (!this.#isClosed) this.problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isLoading = false;
    }
  }

  #take(news: SessionNews): void {
    const known = this.all.value;
    const isNext = news.rows.every((row, place) => row.index === known.length + place);
    batch(() => {
      if (isNext) this.all.value = [...known, ...news.rows]; // C2
      if (news.states.length > 0) this.news.value = news;
    });
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined;
      const { session } = this;
      this.#states.clear();
      this.why.ask(() => this.#answers.read('why', { session }));
      this.lanes.ask(() => this.#answers.read('lanes', { session }));
      if (!isNext) void this.#load(); // C3
      this.#askList();
      this.#askState(this.index.peek(), -1);
    }, GATHER_MS);
  }

  #askState(index: number, count: number): void {
    const { session } = this;
    if (count === 0) return;
    const known = this.#states.get(index);
    if (known) {
      this.state.loaded.value = { value: known, problem: undefined, isAsked: false };
      return;
    }
    this.state.ask(async () => {
      const state = await this.#answers.read('state', { session, index });
      if (this.#states.size > MOST_STATES) this.#states.clear();
      this.#states.set(index, state);
      if (index === this.index.peek()) this.news.value = undefined;
      return state;
    });
  }

  /** C4. */
  #askReport(): void {
    const { isOver = false, words = [] } = this.why.loaded.peek().value ?? {};
    const isOnItsWay = words.some(({ word, tone }) => word === 'report' && tone === 'bad');
    if (isOver && isOnItsWay && !document.hidden)
      this.why.ask(() => this.#answers.read('why', { session: this.session }));
  }

  #askList(): void {
    const view = this.#view.value;
    if (!view) return;
    const { session, density, filter, chips } = view;
    this.listed.ask(() => this.#answers.read('entries', { session, density, filter, chips, limit: PAGE_ROWS }));
  }

  askWhole(index: number): void {
    const { session } = this;
    this.whole.ask(() => this.#answers.read('entry', { session, index }));
  }
}
