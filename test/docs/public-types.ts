/**
 * What `src/index.ts` exports, read by the compiler: each field with its type and docstring. TypeScript 7 has this API
 * under `unstable`; the version is pinned, and a change of it is seen by the test of docs/reference.md.
 */
import path from 'node:path';
import {
  type ArrowFunction,
  type FunctionDeclaration,
  type Node,
  type ParameterDeclaration,
  SyntaxKind,
  type TypeNode,
} from 'typescript/unstable/ast';
import {
  isArrowFunction,
  isClassDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isMethodSignatureDeclaration,
  isNamedExports,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isTypeReferenceNode,
  isUnionTypeNode,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is';
import { API, type Project, type Symbol as CompilerSymbol } from 'typescript/unstable/sync';

export type PublicField = { name: string; isOptional: boolean; type: string; doc: string };
export type Described = {
  name: string;
  kind: 'fields' | 'type' | 'function' | 'error' | 'value';
  doc: string;
  /** As it stands in the source, without docstrings. */
  text: string;
  /** Of the type, or of the object that a function takes. */
  fields: PublicField[];
  /** Types of ours that its fields and parameters name. */
  names: string[];
  isExported: boolean;
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('; }', ' }').trim();
const withoutComments = (text: string): string => oneLine(text.replaceAll(/\/\*\*[\s\S]*?\*\/|\/\/.*$/gm, ''));

/** Reads the docstring in front of a node as plain text; its stars are the source's, not the reader's. */
const docOf = (node: Node): string =>
  (node.jsDoc ?? [])
    .map((doc) => doc.getText())
    .join('\n')
    .replaceAll(/^\s*\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^\s*\*? ?/gm, '')
    .replaceAll(/```[\s\S]*?```/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();

const fieldsOf = (type: Node | undefined): PublicField[] => {
  if (!type) return [];
  if (isUnionTypeNode(type)) return type.types.flatMap((part) => fieldsOf(part));
  if (!isTypeLiteralNode(type)) return [];
  return type.members.flatMap((member): PublicField[] => {
    if (isPropertySignatureDeclaration(member))
      return [
        {
          name: member.name.getText(),
          isOptional: member.postfixToken?.kind === SyntaxKind.QuestionToken,
          type: withoutComments(member.type?.getText() ?? 'unknown'),
          doc: docOf(member),
        },
      ];
    if (!isMethodSignatureDeclaration(member)) return [];
    const parameters = member.parameters.map((parameter) => parameter.getText()).join(', ');
    return [
      {
        name: member.name.getText(),
        isOptional: false,
        type: withoutComments(`(${parameters}) => ${member.type?.getText() ?? 'void'}`),
        doc: docOf(member),
      },
    ];
  });
};

const signatureOf = (name: string, { parameters, type }: FunctionDeclaration | ArrowFunction): string =>
  withoutComments(
    `${name}(${parameters.map((each) => each.getText()).join(', ')})${type ? `: ${type.getText()}` : ''}`,
  );

type Where = { folder: string; project: Project };
const isOurs = (symbol: CompilerSymbol, { folder }: Where): boolean =>
  symbol.declarations.some(({ path: file }) => file.startsWith(folder) && !file.includes('/node_modules/'));

/** Every type of ours that is named below a node. */
const namesBelow = (nodes: readonly (Node | undefined)[], where: Where): CompilerSymbol[] => {
  const found: CompilerSymbol[] = [];
  const visit = (node: Node): void => {
    if (isTypeReferenceNode(node)) {
      const local = where.project.checker.getSymbolAtLocation(node.typeName);
      const symbol = local && resolved(local, where);
      if (symbol && isOurs(symbol, where)) found.push(symbol);
    }
    node.forEachChild(visit);
  };
  for (const node of nodes) if (node) visit(node);
  return found;
};

const resolved = (symbol: CompilerSymbol, { project }: Where): CompilerSymbol =>
  symbol.declarations.some(({ kind }) => kind === SyntaxKind.ExportSpecifier || kind === SyntaxKind.ImportSpecifier)
    ? project.checker.getAliasedSymbol(symbol)
    : symbol;

const describe = (
  symbol: CompilerSymbol,
  name: string,
  where: Where,
): Omit<Described, 'isExported'> & { below: CompilerSymbol[] } => {
  const [handle] = symbol.declarations;
  const node = handle?.resolve(where.project);
  if (!node) throw new Error(`expected a declaration of ${name}, found none`);
  const seen = (
    kind: Described['kind'],
    doc: string,
    text: string,
    types: (TypeNode | undefined)[],
    walked: (Node | undefined)[] = types,
  ) => {
    const below = namesBelow(walked, where);
    return { name, kind, doc, text, fields: types.flatMap(fieldsOf), names: below.map((each) => each.name), below };
  };
  const ofFunction = (given: FunctionDeclaration | ArrowFunction, doc: string) => {
    const parameters: readonly ParameterDeclaration[] = given.parameters;
    return seen(
      'function',
      doc,
      signatureOf(name, given),
      parameters.map(({ type }) => type),
    );
  };
  if (isTypeAliasDeclaration(node)) {
    const { type } = node;
    const isLiteral = isTypeLiteralNode(type);
    const written = withoutComments(type.getText());
    const { checker } = where.project;
    const isDerived = /\b(?:typeof|keyof)\b/.test(written);
    const text = isDerived
      ? checker.typeToString(checker.getDeclaredTypeOfSymbol(symbol)).replaceAll('"', "'")
      : written;
    return seen(isLiteral ? 'fields' : 'type', docOf(node), text, [type]);
  }
  if (isFunctionDeclaration(node)) return ofFunction(node, docOf(node));
  if (isClassDeclaration(node)) return seen('error', docOf(node), name, []);
  if (isVariableDeclaration(node)) {
    const doc = docOf(node.parent.parent);
    const { initializer } = node;
    if (initializer && isArrowFunction(initializer)) return ofFunction(initializer, doc);
    return seen('value', doc, withoutComments(node.type?.getText() ?? ''), [], [node.type]);
  }
  return seen('value', docOf(node), withoutComments(node.getText()), []);
};

/**
 * All exports of a file, in its order, and behind them the types of ours that they name. `leftOut` names types that are
 * told elsewhere.
 */
export function publicTypes(folder: string, file: string, leftOut: readonly string[]): Described[] {
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProject: path.join(folder, 'tsconfig.json') }).getProjects();
    const source = project?.program.getSourceFile(path.join(folder, file));
    if (!project || !source) throw new Error(`expected ${file} in the project of ${folder}, found none`);
    const where = { folder: folder.toLowerCase(), project };
    const queue = source.statements.flatMap((statement) =>
      isExportDeclaration(statement) && statement.exportClause && isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map(({ name }) => {
            const symbol = project.checker.getSymbolAtLocation(name);
            if (!symbol) throw new Error(`expected to know what ${name.getText()} is`);
            return { name: name.getText(), symbol: resolved(symbol, where), isExported: true };
          })
        : [],
    );
    const told = new Set(queue.map(({ name }) => name));
    const found: Described[] = [];
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (leftOut.includes(next.name)) continue;
      const { below, ...described } = describe(next.symbol, next.name, where);
      found.push({ ...described, isExported: next.isExported });
      for (const symbol of below) {
        if (told.has(symbol.name)) continue;
        told.add(symbol.name);
        queue.push({ name: symbol.name, symbol, isExported: false });
      }
    }
    return found;
  } finally {
    api.close();
  }
}
