/** All that can be asked, by name: for the command line, the page, the export, and machines. */
import type { z } from 'zod';
import type {
  Calls,
  DeliveryRow,
  Difference,
  Entries,
  Lanes,
  ModelSaw,
  ReportAnswer,
  SavedTest,
  StateAt,
  Tally,
  WholeEntry,
  Why,
} from './answers.ts';
import { questions, type Asked, type QuestionName } from './questions.ts';
import { badQuestion, ReadError } from './refusal.ts';
import type { Source } from './source.ts';

type Answers = {
  calls: Calls;
  why: Why;
  entries: Entries;
  entry: WholeEntry;
  state: StateAt;
  lanes: Lanes;
  diff: Difference;
  deliveries: { rows: DeliveryRow[] };
  ledger: Tally;
  model: ModelSaw;
  report: ReportAnswer;
  test: SavedTest;
};
type Read<Name extends QuestionName> = {
  summary: string;
  asked: (typeof questions)[Name];
  /** `asked` as its schema gives it. @throws ReadError, JournalError, StoreError */
  read(source: Source, asked: Asked<Name>): Promise<Answers[Name]>;
};

const notBuilt = (name: string) => (): Promise<never> =>
  Promise.reject(new ReadError('NOT_BUILT', `${name}: it cannot be asked yet; lastword show ID prints a call`));

export const reads: { readonly [Name in QuestionName]: Read<Name> } = {
  calls: { summary: 'Calls, living and over.', asked: questions.calls, read: notBuilt('calls') },
  why: { summary: 'Why a call ended, each word with its proof.', asked: questions.why, read: notBuilt('why') },
  entries: { summary: 'What happened in a call, in order.', asked: questions.entries, read: notBuilt('entries') },
  entry: { summary: 'One entry, whole.', asked: questions.entry, read: notBuilt('entry') },
  state: { summary: 'Where the machines of a call were at an entry.', asked: questions.state, read: notBuilt('state') },
  lanes: { summary: 'Who was audible when, and what ran.', asked: questions.lanes, read: notBuilt('lanes') },
  diff: { summary: 'Two calls side by side.', asked: questions.diff, read: notBuilt('diff') },
  deliveries: {
    summary: 'Deliveries, with their attempts.',
    asked: questions.deliveries,
    read: notBuilt('deliveries'),
  },
  ledger: { summary: 'Accepted, sealed, delivered: do they agree?', asked: questions.ledger, read: notBuilt('ledger') },
  model: { summary: 'What the model saw at a request.', asked: questions.model, read: notBuilt('model') },
  report: { summary: 'The report, sealed or as far as it goes.', asked: questions.report, read: notBuilt('report') },
  test: { summary: 'A call as a test.', asked: questions.test, read: notBuilt('test') },
};

/** *Pure.* What came from outside as the question has it. @throws ReadError `BAD_QUESTION` */
export const askedOf = <Name extends QuestionName>(name: Name, given: unknown): Asked<Name> => {
  const schema = questions[name] as z.ZodObject;
  const parsed = schema.strict().safeParse(given ?? {});
  if (parsed.success) return parsed.data as Asked<Name>;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map(String);
  const inner = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  const fields = Object.keys(schema.shape).join(', ');
  throw badQuestion(
    [name, ...path].join('.'),
    issue?.message ?? 'a question',
    path.reduce(inner, given),
    `its fields are ${fields}`,
  );
};

const isName = (name: string): name is QuestionName => Object.hasOwn(reads, name);

/** *Effect.* Any question of the table, as it came from outside. @throws ReadError, JournalError, StoreError */
export const ask = async (source: Source, name: string, given: unknown): Promise<Answers[QuestionName]> => {
  if (!isName(name)) throw badQuestion('read', `one of ${Object.keys(reads).join(', ')}`, name, 'choose one of them');
  const read = reads[name] as Read<QuestionName>;
  return await read.read(source, askedOf(name, given) as never);
};
