/**
 * What users may write, as schemas of zod that speak our language: each says what it expects and what to do, and what
 * came is described here. A text of zod's own reaches nobody.
 */
import { z } from 'zod';
import { ConfigError, describeValue, sentenceOf, type Wording } from './config-error.ts';

/** What zod hands to whoever words an issue. */
type Raw = { input?: unknown; code?: string };

/** The wording of a schema. */
export const expected = (what: string, advice?: string) => ({
  error: ({ input }: Raw) => sentenceOf({ expected: what, got: describeValue(input), advice }),
});

/** An object of these fields and no other. */
export const fields = <Shape extends z.core.$ZodShape>(
  shape: Shape,
  more: { what?: string; advice?: string; adviceOnUnknown?: string } = {},
) => {
  const known = Object.keys(shape).join(', ');
  const { what = `{ ${known} }`, advice, adviceOnUnknown = advice } = more;
  return z.strictObject(shape, {
    error: ({ input, code }) =>
      code === 'unrecognized_keys'
        ? sentenceOf({ expected: `one of ${known}`, got: 'an unknown field', advice: adviceOnUnknown })
        : sentenceOf({ expected: what, got: describeValue(input), advice }),
  });
};
export const anObject = z.looseObject({}, expected('an object'));

/** A value that `problemOf` finds nothing wrong with. */
export const judged = <Value>(problemOf: (value: unknown) => Wording | undefined) =>
  z.custom<Value>().superRefine((value, context) => {
    const problem = problemOf(value);
    if (problem) addProblem(context, problem);
  });

export const aFunction = (what = 'a function') =>
  z.custom<(...given: never[]) => unknown>((value) => typeof value === 'function', expected(what));

/** For what only a transform can see. */
export const addProblem = (context: z.RefinementCtx, problem: Wording, ...path: string[]): void =>
  context.addIssue({ code: 'custom', message: sentenceOf(problem), path });

type Problem = { field: string; message: string };

/** Everything that is wrong with a value which the user knows as `at`; a misspelled field before what is missed for it. */
function problemsIn(schema: z.ZodType, value: unknown, at: string): Problem[] {
  const issues = schema.safeParse(value, expected('something else')).error?.issues ?? [];
  return issues
    .toSorted((one, other) => Number(isUnknown(other)) - Number(isUnknown(one)))
    .flatMap((issue) =>
      isUnknown(issue)
        ? issue.keys.map((key) => ({ field: placeOf(at, [...issue.path, key]), message: issue.message }))
        : [{ field: placeOf(at, issue.path), message: messageIn(issue) }],
    );
}

const isUnknown = (issue: z.core.$ZodIssue): issue is z.core.$ZodIssueUnrecognizedKeys =>
  issue.code === 'unrecognized_keys';
/** Of a record's wrong key the key's own schema knows more. */
const messageIn = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;

/** `reports[0].url` */
const placeOf = (at: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (place, step) => (typeof step === 'number' ? `${place}[${step}]` : `${place}${place && '.'}${String(step)}`),
    at,
  );

/** Everything that is wrong, a line each. */
export const linesOf = (schema: z.ZodType, value: unknown, at: string): string[] =>
  problemsIn(schema, value, at).map(({ field, message }) => `${field}${field && ': '}${message}`);

/** @throws ConfigError for the first thing that is wrong */
export function take<Schema extends z.ZodType>(schema: Schema, value: unknown, at: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = problemsIn(schema, value, at);
  throw new ConfigError(first ?? { field: at, message: result.error.message });
}
