/**
 * One call, as the page has it: all entries, what is lit, and where the reader stands.
 *
 *   C1  Where the reader stands is an index among all entries, or nowhere: then the newest is shown, also while it grows.
 *   C2  What the stream brings is lit at once; lanes, the first line and exact states are asked for again a moment later.
 *   C3  What is lit at the end never leads back to an older state, whichever answer comes first (place/lit-states.ts).
 *   C4  What becomes of a report is no entry of the call: as long as it is on its way, the first line is asked for again.
 *   C5  All of a call is asked for once: a list that hides nothing is made of it. What is lit does not wait for its machine
 *       to be walked: the states that were written down come first; deadlines and memory are asked for, and its stream, when
 *       all that a first look needs is shown.
 *   C6  What is lit where the reader stands is known here, from all transitions: a step waits for nobody. Deadlines and
 *       memory are asked for.
 */
import { batch, computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Entries, EntryRow, Lanes, Moves, StateAt, WholeEntry, Why } from '../../../reads/answers.ts';
import type { LinkState, PageAnswers, SessionNews } from '../answers/page-answers.ts';
import { litAt, litNow, litWith, type Lit } from '../place/lit-states.ts';
import type { CallView } from '../place/page-address.ts';
import { AllEntries } from './all-entries.ts';
import { Latest, type Loaded } from './loaded.ts';

const LIST_ROWS = 5_000;
/** Of states that were looked at: going back is at once. */
const MOST_STATES = 2_000;
/** News come in handfuls: what is computed from all of them is asked for once. */
const GATHER_MS = 200;
/** C5. A first look is not waited for longer; then two or three frames show it. */
const FIRST_LOOK_MS = 1_000;
const FRAMES_MS = 50;
/** C4. */
const REPORT_MS = 2_000;

export class CallModel {
  readonly session: string;
  readonly why = new Latest<Why>();
  readonly lanes = new Latest<Lanes>();
  readonly state = new Latest<StateAt>();
  /** `upTo`: so many entries were known when they were asked for. */
  readonly moves = new Latest<Moves & { upTo: number }>();
  readonly whole = new Latest<WholeEntry>();
  /** C6. */
  readonly lit: ReadonlySignal<Lit>;
  readonly all: ReadonlySignal<readonly EntryRow[]>;
  readonly listed: ReadonlySignal<Loaded<Entries>>;
  readonly problem: ReadonlySignal<string | undefined>;
  readonly link: Signal<{ state: LinkState; why: string | undefined }> = signal({
    state: 'connecting',
    why: undefined,
  });
  /** Where the stream said that each machine is. */
  readonly told: Signal<Lit | undefined> = signal(undefined);
  readonly index: ReadonlySignal<number>;
  readonly isAtEnd: ReadonlySignal<boolean>;
  readonly row: ReadonlySignal<EntryRow | undefined>;

  readonly #answers: PageAnswers;
  readonly #view: ReadonlySignal<CallView | undefined>;
  readonly #isHidden: () => boolean;
  readonly #entries: AllEntries;
  /** Of a density or a filter that hides something. */
  readonly #chosen = new Latest<Entries>();
  /** C5. */
  readonly #isShown = signal(false);
  readonly #states = new Map<number, StateAt>();
  /** On their way. */
  readonly #asked = new Map<number, Promise<StateAt>>();
  readonly #stops: (() => void)[] = [];
  #gather: ReturnType<typeof setTimeout> | undefined;
  /** News make other states of those that were looked at. */
  #generation = 0;
  #ahead: number[] = [];
  #isPreparing = false;
  #isClosed = false;

  /**
   * @param view of this call; undefined: another one is shown
   * @param isHidden nobody looks: nothing is asked for again
   */
  constructor(
    answers: PageAnswers,
    session: string,
    view: ReadonlySignal<CallView | undefined>,
    isHidden: () => boolean,
  ) {
    this.#answers = answers;
    this.session = session;
    this.#view = view;
    this.#isHidden = isHidden;
    this.#entries = new AllEntries((asked) => answers.read('entries', { session, density: 'entries', ...asked }));
    this.all = this.#entries.rows;
    this.problem = this.#entries.problem;
    this.isAtEnd = computed(() => view.value?.at === null && view.value.ref === null);
    this.index = computed(() => {
      const last = Math.max(0, this.all.value.length - 1);
      const { at = null, ref = null } = view.value ?? {};
      if (ref !== null) return this.all.value.find((row) => row.ref === ref)?.index ?? last;
      return Math.min(at ?? last, last);
    });
    this.row = computed(() => this.all.value[this.index.value]);
    this.listed = computed(() => this.#list());
    this.lit = computed(() => this.#lit());
    const opened = view.peek();
    this.#stops.push(
      effect(() => {
        if (this.#isShown.value || this.#isElsewhere(opened))
          this.#askState(this.index.value, this.isAtEnd.value, this.all.value.length);
      }),
      // At the end nobody looks at them, and a living call has others each moment.
      effect(() => {
        if (this.#isShown.value && !this.isAtEnd.value) untracked(() => this.#askMoves());
      }),
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
    this.#entries.close();
    clearTimeout(this.#gather);
    for (const stop of this.#stops) stop();
  }

  async #open(): Promise<void> {
    const { session } = this;
    const { at, ref } = this.#view.peek() ?? {};
    const place = typeof ref === 'string' ? { ref } : typeof at === 'number' ? { index: at } : {};
    this.state.ask(() => this.#answers.read('state', { session, ...place, walks: false })); // C5
    const loaded = this.#entries.load();
    this.#askAround(false);
    await loaded;
    const { position } = this.#entries.last.peek() ?? {};
    if (this.#isClosed || position === undefined) return;
    await Promise.race([Promise.all([this.why.settled(), this.lanes.settled()]), pause(FIRST_LOOK_MS)]);
    await pause(FRAMES_MS);
    if (this.#isClosed) return;
    this.#isShown.value = true;
    if (this.isAtEnd.peek()) this.#askMoves(); // for the first step; elsewhere they were asked for a line above
    this.lanes.ask(() => this.#answers.read('lanes', { session }));
    this.#stops.push(
      this.#answers.followSession(session, position, {
        take: (news) => this.#take(news),
        tell: (state, why) => (this.link.value = { state, why }),
      }),
    );
  }

  #lit(): Lit {
    const exact = this.state.loaded.value.value;
    if (this.isAtEnd.value) return litNow(exact, this.told.value);
    const index = this.index.value;
    const moves = this.moves.loaded.value.value;
    const known = moves && index < moves.upTo ? litAt(moves, index) : undefined;
    if (!known) return litNow(exact, undefined);
    return litNow(exact?.index === index ? exact : undefined, known);
  }

  #askMoves(): void {
    this.moves.ask(async () => {
      const upTo = this.all.peek().length;
      return { ...(await this.#answers.read('moves', { session: this.session })), upTo };
    });
  }

  /** Who goes on to another place before the first look is over waits for nothing. */
  #isElsewhere(opened: CallView | undefined): boolean {
    const now = this.#view.value;
    return now !== undefined && (now.at !== opened?.at || now.ref !== opened.ref);
  }

  #askAround(walks: boolean): void {
    const { session } = this;
    this.lanes.ask(() => this.#answers.read('lanes', { session, walks }));
    this.why.ask(() => this.#answers.read('why', { session }));
  }

  /** C2. */
  #take(news: SessionNews): void {
    batch(() => {
      this.#entries.take(news.rows);
      if (news.states.length > 0) this.told.value = litWith(this.told.peek(), news);
    });
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined;
      this.#states.clear();
      this.#asked.clear();
      this.#generation += 1;
      this.#askAround(true);
      if (!this.isAtEnd.peek()) this.#askMoves();
      void this.#entries.load();
      this.#askList();
      this.#askState(this.index.peek(), this.isAtEnd.peek(), this.all.peek().length);
    }, GATHER_MS);
  }

  #askState(index: number, isAtEnd: boolean, count: number): void {
    const { session } = this;
    if (count === 0) return;
    // C3: at the end, the end is asked for, each time. An entry that came late may have moved it behind the index that is
    // known, and what was the end for an earlier answer is none for this one.
    const known = isAtEnd ? undefined : this.#states.get(index);
    if (known) return this.state.tell(known);
    this.state.ask(async () => {
      if (isAtEnd) return await this.#keepState(this.#answers.read('state', { session }));
      return await this.#readState(index);
    });
  }

  #readState(index: number): Promise<StateAt> {
    const known = this.#asked.get(index);
    if (known) return known;
    const asked = this.#keepState(this.#answers.read('state', { session: this.session, index })).finally(() => {
      if (this.#asked.get(index) === asked) this.#asked.delete(index);
    });
    this.#asked.set(index, asked);
    return asked;
  }

  async #keepState(answer: Promise<StateAt>): Promise<StateAt> {
    const generation = this.#generation;
    const state = await answer;
    if (this.#states.size > MOST_STATES) this.#states.clear();
    if (generation === this.#generation) this.#states.set(state.index, state);
    return state;
  }

  /** Entries to which the reader goes on soon: where they are there already, a step waits for nobody. */
  async prepare(indexes: readonly number[]): Promise<void> {
    this.#ahead = [...indexes];
    if (this.#isPreparing) return;
    this.#isPreparing = true;
    try {
      for (let index = this.#ahead.shift(); index !== undefined && !this.#isClosed; index = this.#ahead.shift())
        if (!this.#states.has(index)) await this.#readState(index);
    } catch {
      this.#ahead = []; // whoever stands there asks again, and is told why
    } finally {
      this.#isPreparing = false;
    }
  }

  /** C4. */
  #askReport(): void {
    const { isOver = false, words = [] } = this.why.loaded.peek().value ?? {};
    const isOnItsWay = words.some(({ word, tone }) => word === 'report' && tone === 'bad');
    if (isOver && isOnItsWay && !this.#isHidden())
      this.why.ask(() => this.#answers.read('why', { session: this.session }));
    if (this.#entries.isIncomplete && this.#entries.last.peek()) void this.#entries.load();
  }

  /** C5. */
  #list(): Loaded<Entries> {
    const view = this.#view.value;
    if (!view || !hidesNothing(view)) return this.#chosen.loaded.value;
    const last = this.#entries.last.value;
    const value = last && { ...last, rows: [...this.all.value], hidden: 0, next: null };
    return { value, problem: this.problem.value };
  }

  #askList(): void {
    const view = this.#view.value;
    if (!view || hidesNothing(view)) return;
    const { session, density, filter, chips } = view;
    this.#chosen.ask(() => this.#answers.read('entries', { session, density, filter, chips, limit: LIST_ROWS }));
  }

  askWhole(index: number): void {
    const { session } = this;
    this.whole.ask(() => this.#answers.read('entry', { session, index }));
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const hidesNothing = ({ density, filter, chips }: CallView): boolean =>
  density === 'entries' && filter === '' && chips.length === 0;
