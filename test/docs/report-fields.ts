/** The fields of a JSON Schema, and those of a document: what the one promises, the other has. Pure. */

export type Field = { path: string; type: string; description: string };

type Schema = {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
};

/** Of an object or null, or of each element of a list. */
const inside = (schema: Schema): { schema: Schema; mark: string } => {
  const some = schema.anyOf?.find(({ type }) => type !== 'null');
  if (some && schema.anyOf?.length === 2) return inside(some);
  return schema.items ? { schema: schema.items, mark: '[]' } : { schema, mark: '' };
};

const typeOf = (schema: Schema): string => {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.$ref !== undefined) return 'any JSON';
  if (schema.enum) return schema.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.items) return schema.items.properties ? 'list' : `list of ${typeOf(schema.items)}`;
  if (schema.format === 'date-time') return 'time';
  return [schema.type ?? ''].flat().map(wordOf).join(' or ');
};

const wordOf = (type: string): string =>
  ({ string: 'text', object: 'object', boolean: 'yes or no', number: 'number', integer: 'number', null: 'null' })[
    type
  ] ?? '';

/** In the schema's order, each with what it says of itself. */
export function fieldsOf(schema: unknown, above = ''): Field[] {
  return Object.entries((schema as Schema).properties ?? {}).flatMap(([name, each]) => {
    const path = `${above}${name}`;
    const { schema: inner, mark } = inside(each);
    const description = each.description ?? '';
    return [{ path, type: typeOf(each), description }, ...fieldsOf(inner, `${path}${mark}.`)];
  });
}

/** Where anything may stand: what is in there is not ours. */
const open = new Set([
  'metadata',
  'versions',
  'tools[].args',
  'tools[].output',
  'participants[].attributes',
  'application.outcome',
  'application.attachments',
]);

/** The paths of a document, each once. */
export function pathsIn(value: unknown, path = ''): Set<string> {
  const found = new Set<string>();
  const add = (more: Iterable<string>) => {
    for (const each of more) found.add(each);
  };
  if (path !== '') found.add(path);
  if (open.has(path) || typeof value !== 'object' || value === null) return found;
  if (Array.isArray(value)) {
    for (const each of value) if (typeof each === 'object') add(pathsIn(each, `${path}[]`));
    found.delete(`${path}[]`);
    return found;
  }
  for (const [name, each] of Object.entries(value)) add(pathsIn(each, path === '' ? name : `${path}.${name}`));
  return found;
}
