/**
 * The parts that ResLT Studio is built on, with their licences. A test holds each licence against the installed
 * package's own statement.
 */
export interface Licence {
  name: string;
  use: string;
  licence: string;
  /** npm package that states the licence; null for what comes another way. */
  package: string | null;
}

export const LICENCES: Licence[] = [
  { name: 'TensorFlow', use: 'native engine, installed on request', licence: 'Apache-2.0', package: null },
  { name: 'TensorFlow.js', use: 'tensors and gradients', licence: 'Apache-2.0', package: '@tensorflow/tfjs' },
  { name: 'Electron', use: 'desktop window', licence: 'MIT', package: 'electron' },
  { name: 'Node.js', use: 'owner and trainers', licence: 'MIT', package: null },
  { name: 'Svelte', use: 'interface', licence: 'MIT', package: 'svelte' },
  { name: 'Bits UI', use: 'dialogs, menus, selects', licence: 'MIT', package: 'bits-ui' },
  { name: 'Lucide', use: 'icons', licence: 'ISC', package: '@lucide/svelte' },
  { name: 'Chart.js', use: 'charts', licence: 'MIT', package: 'chart.js' },
  { name: 'better-sqlite3', use: 'database', licence: 'MIT', package: 'better-sqlite3' },
  { name: 'sharp', use: 'images', licence: 'Apache-2.0', package: 'sharp' },
  { name: 'Zod', use: 'checks of what comes in', licence: 'MIT', package: 'zod' },
  { name: 'Fashion-MNIST', use: 'bundled sample', licence: 'MIT', package: null },
];
