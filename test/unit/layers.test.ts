/**
 * Who may import whom. The table is the architecture: a folder that is not in it, or an import that it does not allow,
 * fails here with a sentence. Imports of types are freer than imports of code, because they are gone at run time.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

interface Layer {
  /** Files and folders of ours whose code may be imported. */
  ours: string[];
  /** Files and folders of ours of which only types may be imported. */
  types?: string[];
  /** npm packages; `@scope/*` is every package of a scope. */
  packages: string[];
  /** Which of Node's own modules: all, none, or all but the exclusive ones. */
  node: boolean;
}

const CONTRACT = 'preload/contract.ts';
const TFJS = '@tensorflow/*';
/** What can be asked without a library: about methods, datasets, engines, results. */
const KNOWLEDGE = ['main/analysis', 'main/datasets', 'main/engine', 'main/training', 'main/paths.ts'];
/** What the desktop and headless mode share. */
const SHELL = [
  CONTRACT,
  'main/owner',
  'main/services.ts',
  'main/api.ts',
  'main/pageFiles.ts',
  'main/resources.ts',
  'main/paths.ts',
  // The error that everything behind the contract throws, and how any error is worded.
  'main/store/errors.ts',
  'main/apiErrors.ts',
];
/** Modules of Node that belong to one folder. */
const EXCLUSIVE_NODE: Record<string, string> = {
  'node:http': 'main/headless',
  'node:https': 'main/headless',
};

/** The longest matching path decides. Every folder may import from itself. */
const LAYERS: Record<string, Layer> = {
  // Pure: runs in a test, in the trainer and in a benchmark alike.
  'main/analysis': { ours: [], packages: ['zod', 'pure-rand'], node: false },
  'main/training': {
    ours: ['main/analysis'],
    packages: ['@tensorflow/tfjs-core', 'zod', 'pure-rand'],
    node: false,
  },

  'main/paths.ts': { ours: [], packages: [], node: true },
  // How files and messages are written, wherever they are.
  'main/durableFile.ts': { ours: [], packages: [], node: true },
  'main/jsonLines.ts': { ours: [], packages: [], node: true },
  'main/backends': { ours: ['main/training', 'main/paths.ts'], packages: [TFJS], node: true },
  'main/engine': { ours: ['main/backends', 'main/paths.ts'], packages: ['yauzl', TFJS], node: true },
  'main/exchange': {
    ours: ['main/durableFile.ts'],
    types: ['main/training'],
    packages: ['tar-stream', 'yauzl', 'zod'],
    node: true,
  },
  'main/datasets': {
    ours: ['main/durableFile.ts', 'main/paths.ts'],
    types: ['main/training'],
    packages: ['sharp', 'tar-stream', 'zod', 'pure-rand'],
    node: true,
  },
  'main/store': {
    ours: ['main/analysis'],
    types: [CONTRACT, 'main/training', 'main/trainer', 'main/datasets'],
    packages: ['better-sqlite3'],
    node: true,
  },
  'main/trainer': {
    ours: [
      'main/training',
      'main/analysis',
      'main/backends',
      'main/engine',
      'main/datasets',
      'main/exchange',
      'main/durableFile.ts',
      'main/jsonLines.ts',
      'main/paths.ts',
    ],
    types: [CONTRACT],
    packages: ['yaml', 'zod'],
    node: true,
  },
  'main/scheduler': {
    ours: ['main/store', 'main/trainer', 'main/durableFile.ts', 'main/jsonLines.ts'],
    types: [CONTRACT],
    packages: [],
    node: true,
  },

  // The owner of a library: what it offers, who serves it, and the background child that does its long work.
  'main/apiErrors.ts': { ours: [], types: [CONTRACT], packages: [], node: false },
  'main/apiArguments.ts': { ours: [CONTRACT], packages: ['zod'], node: false },
  'main/tasks.ts': { ours: ['main/store'], types: [CONTRACT], packages: [], node: true },
  'main/trashFiles.ts': { ours: [], types: ['main/store'], packages: [], node: true },
  'main/services.ts': {
    ours: [
      'main/api.ts',
      'main/api',
      'main/apiErrors.ts',
      'main/resources.ts',
      'main/owner',
      'main/scheduler',
      'main/store',
      'main/tasks.ts',
      'main/trashFiles.ts',
      ...KNOWLEDGE,
    ],
    types: [CONTRACT, 'main/trainer'],
    packages: [],
    node: true,
  },
  'main/api': {
    ours: [CONTRACT, 'main/store', 'main/trainer/protocol.ts', 'main/exchange', ...KNOWLEDGE],
    types: ['main/owner', 'main/scheduler', 'main/tasks.ts', 'main/trashFiles.ts', 'main/services.ts'],
    packages: ['yaml', 'zod'],
    node: true,
  },
  'main/api.ts': {
    ours: [CONTRACT, 'main/api', 'main/apiArguments.ts', 'main/apiErrors.ts'],
    types: ['main/services.ts'],
    packages: ['zod'],
    node: false,
  },
  'main/owner': {
    ours: [
      CONTRACT,
      'main/api.ts',
      'main/apiErrors.ts',
      'main/services.ts',
      'main/store',
      'main/scheduler',
      'main/exchange',
      'main/durableFile.ts',
      'main/jsonLines.ts',
      ...KNOWLEDGE,
    ],
    types: ['main/resources.ts', 'main/trainer'],
    packages: ['zod'],
    node: true,
  },

  // The shells: they know the contract and who owns the library, and nothing of training.
  'main/pageFiles.ts': { ours: ['main/paths.ts'], packages: [], node: true },
  'main/resources.ts': {
    ours: [
      'main/api',
      'main/apiArguments.ts',
      'main/apiErrors.ts',
      'main/services.ts',
      'main/owner',
      'main/store',
      'main/datasets',
      'main/paths.ts',
    ],
    types: [CONTRACT],
    packages: [],
    node: true,
  },
  'main/headless': { ours: SHELL, packages: ['zod'], node: true },
  'main/headless.ts': { ours: ['main/headless', ...SHELL], packages: ['commander'], node: true },
  'main/desktop': { ours: SHELL, packages: ['electron'], node: true },
  'main/index.ts': { ours: ['main/desktop'], packages: ['electron'], node: true },

  // The command line is a client of the owner; `bench` runs parts of the app by themselves.
  'main/commands': {
    ours: [CONTRACT, 'main/owner', 'main/store', 'main/backends', 'main/trainer/protocol.ts', ...KNOWLEDGE],
    packages: ['yaml', 'zod'],
    node: true,
  },
  'main/cli.ts': {
    ours: ['main/commands', 'main/headless', 'main/engine', 'main/paths.ts'],
    packages: ['commander'],
    node: true,
  },

  // The page knows the contract and nothing else of ours.
  'preload/contract.ts': { ours: [], packages: [], node: false },
  'preload/index.ts': { ours: [], types: [CONTRACT], packages: ['electron'], node: false },
  renderer: {
    ours: [CONTRACT],
    packages: [
      'svelte',
      'chart.js',
      'chartjs-plugin-annotation',
      'chartjs-plugin-zoom',
      'bits-ui',
      '@lucide/svelte',
      '@tanstack/svelte-virtual',
    ],
    node: false,
  },
};

const root = path.resolve(import.meta.dirname, '../..');

interface Import {
  specifier: string;
  typeOnly: boolean;
}

test('every import is one that the table of layers allows', () => {
  const files = ['main', 'preload', 'renderer'].flatMap(sourceFiles);
  assert.ok(
    files.length > 50,
    `only ${files.length} source files were found: is the test looking in the right place?`,
  );
  const problems = files.flatMap((file) =>
    importsOf(file, readFileSync(path.join(root, file), 'utf8')).flatMap(
      (found) => problemWith(file, found) ?? [],
    ),
  );
  assert.equal(problems.length, 0, `\n${problems.join('\n')}\n`);
});

test('the check finds forbidden imports, and lets types pass where only types may', () => {
  const problem = (file: string, code: string) =>
    importsOf(file, code).map((found) => problemWith(file, found))[0];
  assert.match(problem('main/training/x.ts', `import fs from 'node:fs';`)!, /training.*Node/);
  assert.match(
    problem('main/analysis/x.ts', `import { openStore } from '../store/index.ts';`)!,
    /main\/store/,
  );
  assert.match(problem('main/owner/x.ts', `const { app } = await import('electron');`)!, /package electron/);
  assert.match(problem('main/owner/x.ts', `import http from 'node:http';`)!, /belongs to main\/headless/);
  assert.match(
    problem('renderer/x.svelte', `<script lang="ts">import x from '../main/api.ts';</script>`)!,
    /renderer/,
  );
  assert.match(problem('main/store/x.ts', `import { a } from '../trainer/protocol.ts';`)!, /only types/);
  assert.equal(problem('main/store/x.ts', `import type { A } from '../trainer/protocol.ts';`), null);
  assert.equal(problem('main/store/x.ts', `import { type A } from '../trainer/protocol.ts';`), null);
});

/** A sentence about what is wrong with an import, or null. */
function problemWith(file: string, { specifier, typeOnly }: Import): string | null {
  const place = Object.keys(LAYERS)
    .filter((name) => within(file, name))
    .sort((a, b) => b.length - a.length)[0];
  if (place === undefined)
    return `${file} is in no layer: add its folder to the table in test/unit/layers.test.ts.`;
  const layer = LAYERS[place]!;
  if (specifier.startsWith('node:')) {
    const owner = EXCLUSIVE_NODE[specifier];
    if (owner !== undefined && !within(file, owner))
      return `${file} imports ${specifier}, which belongs to ${owner}: ask that folder for what is needed.`;
    return layer.node
      ? null
      : `${file} imports ${specifier}, but ${place} runs without Node: take it as an argument.`;
  }
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    if (within(target, place) || layer.ours.some((name) => within(target, name))) return null;
    if (layer.types?.some((name) => within(target, name)) === true)
      return typeOnly
        ? null
        : `${file} imports code of ${target}, of which ${place} may import only types: use \`import type\`.`;
    return `${file} imports ${target}, but ${place} may only import from ${[place, ...layer.ours].join(', ')}.`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const allowed = layer.packages.some(
    (known) => known === name || (known.endsWith('/*') && name.startsWith(known.slice(0, -1))),
  );
  return allowed
    ? null
    : `${file} imports the package ${name}, but ${place} may only import ${layer.packages.join(', ') || 'none'}.`;
}

function within(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

/** Every import and re-export of a file, static and dynamic. */
function importsOf(file: string, text: string): Import[] {
  const code = file.endsWith('.svelte')
    ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n')
    : text;
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node.importClause));
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier)
      add(node.moduleSpecifier, node.isTypeOnly || onlyTypeNames(node.exportClause));
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier && ts.isStringLiteralLike(specifier)) imports.push({ specifier: specifier.text, typeOnly });
  };
  visit(ts.createSourceFile(file, code, ts.ScriptTarget.Latest));
  return imports;
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  return clause.name === undefined && onlyTypeNames(clause.namedBindings);
}

function onlyTypeNames(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean {
  if (bindings === undefined || !('elements' in bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
    .filter((name) => /\.(ts|svelte)$/.test(name));
}
