/** Checkpoints on disk: what is written is read back, what is replaced goes, and only then; pins hold; leftovers are swept. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import type { CheckpointRole } from '../../preload/contract.ts';
import { readSafetensors, writeSafetensors, type SafetensorsEntry } from '../../main/exchange/safetensors.ts';
import { exportCheckpoint } from '../../main/owner/exportCheckpoint.ts';
import {
  loadCheckpoint,
  loadWeights,
  saveCheckpoint,
  sweepCheckpoints,
} from '../../main/trainer/checkpoints.ts';
import type { JournalEntry, KeptCheckpoint } from '../../main/trainer/protocol.ts';
import type { CheckpointToSave, TrainingState } from '../../main/training/types.ts';

let folder: string;
let kept: KeptCheckpoint[];
let entries: JournalEntry[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-checkpoints-'));
  kept = [];
  entries = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function stateAt(epoch: number, step: number, partial = false): TrainingState {
  return {
    weights: new Map([
      ['conv1.weight', { shape: [2, 1, 1, 1], data: Float32Array.of(step, -0.5) }],
      ['bn1.num_batches_tracked', { shape: [], data: Int32Array.of(step) }],
    ]),
    optimizer: new Map([['conv1.weight', { shape: [2, 1, 1, 1], data: Float32Array.of(0.25, 1e-20) }]]),
    position: {
      epoch,
      step,
      random: { words: [1, 2] },
      best: { epoch, top1: 0.5, split: 'test', testTop1: 0.5 },
      partialEpoch: partial ? { batches: 3, sums: { 'train/loss': 1.5 } } : null,
    },
  };
}

async function save(
  state: TrainingState,
  roles: CheckpointRole[],
  logits: CheckpointToSave['logits'] = [],
): Promise<void> {
  kept = await saveCheckpoint({
    folder,
    checkpoint: { state, roles, evaluations: [], logits },
    kept,
    notes: {
      appVersion: '0.0.0',
      runId: 1,
      attempt: 1,
      activeMs: 5,
      config: { seed: 0 },
      engine: 'wasm',
      threads: 2,
      rankLabels: null,
    },
    record: (entry) => entries.push(entry),
    sync: () => {
      // What a record says is gone may only go once the record is on the disk.
      for (const entry of entries) {
        if (entry.type === 'checkpoint-removed')
          removedAtSync.push(existsSync(path.join(folder, entry.file)));
      }
    },
  });
}
const removedAtSync: boolean[] = [];

const files = () => readdirSync(path.join(folder, 'checkpoints')).sort();
const rolesByFile = () => Object.fromEntries(kept.map(({ file, roles }) => [path.basename(file), roles]));

test('a checkpoint is read back bit for bit, with its position', async () => {
  const state = stateAt(3, 300, true);
  await save(state, ['requested']);
  const file = kept[0]!.file;
  assert.equal(file, 'checkpoints/epoch-0003-step-0000300.safetensors');
  assert.deepEqual(await loadCheckpoint(folder, file), state);
  assert.deepEqual(await loadWeights(path.join(folder, file)), {
    weights: state.weights,
    epoch: 3,
    step: 300,
  });
});

test('weights are read from exported files and other programs’ number formats, without optimiser state', async () => {
  const state = stateAt(3, 300);
  await save(state, ['last']);
  const exported = path.join(folder, 'exported.safetensors');
  await exportCheckpoint({
    ...{ source: path.join(folder, kept[0]!.file), target: exported },
    ...{ format: 'safetensors', overwrite: false },
  });
  assert.equal((await readSafetensors(exported)).tensors.get('bn1.num_batches_tracked')!.dtype, 'I64');
  assert.deepEqual((await loadWeights(exported)).weights, state.weights);

  const other = path.join(folder, 'other.safetensors');
  await writeSafetensors(
    other,
    new Map<string, SafetensorsEntry>([
      ['half', { dtype: 'F16', shape: [2], data: Float32Array.of(0.5, -2) }],
      ['double', { dtype: 'F64', shape: [1], data: Float64Array.of(0.1) }],
      ['optimizer/mask', { dtype: 'BOOL', shape: [1], data: Uint8Array.of(1) }],
    ]),
  );
  assert.deepEqual(
    (await loadWeights(other)).weights,
    new Map([
      ['half', { shape: [2], data: Float32Array.of(0.5, -2) }],
      ['double', { shape: [1], data: Float32Array.of(0.1) }],
    ]),
  );
  await writeSafetensors(
    other,
    new Map<string, SafetensorsEntry>([['mask', { dtype: 'BOOL', shape: [1], data: Uint8Array.of(1) }]]),
  );
  await assert.rejects(loadWeights(other), /tensor "mask" is BOOL; weights are expected as F32, F16/);
});

test('the JSON beside it says what it is', async () => {
  await save(stateAt(3, 300), ['last']);
  const notes = JSON.parse(readFileSync(path.join(folder, 'checkpoints/epoch-0003.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.equal(notes['epoch'], 3);
  assert.deepEqual(notes['config'], { seed: 0 });
  assert.deepEqual((notes['position'] as TrainingState['position']).random, { words: [1, 2] });
  assert.equal(notes['threads'], 2);
});

test('logits lie in a file of the same name, and go with their checkpoint', async () => {
  const outputs = { fused: Float32Array.of(1, 2, 3, 4), h: Float32Array.of(5, 6, 7, 8) };
  await save(stateAt(1, 10), ['last'], [{ split: 'test', outputs, examples: 2, classes: 2 }]);
  const record = entries.find((entry) => entry.type === 'checkpoint');
  assert.equal(record?.logits?.file, 'logits/epoch-0001.safetensors');
  const { tensors } = await readSafetensors(path.join(folder, 'logits/epoch-0001.safetensors'));
  assert.deepEqual(tensors.get('test/h'), { dtype: 'F32', shape: [2, 2], data: outputs.h });
  await save(stateAt(2, 20), ['last']);
  assert.deepEqual(readdirSync(path.join(folder, 'logits')), []);
});

test('last and best are replaced, each on its own; every and requested stay', async () => {
  await save(stateAt(1, 10), ['last', 'best']);
  await save(stateAt(2, 20), ['last', 'every']);
  assert.deepEqual(rolesByFile(), {
    'epoch-0001.safetensors': ['best'],
    'epoch-0002.safetensors': ['last', 'every'],
  });
  await save(stateAt(3, 30), ['last', 'best']);
  assert.deepEqual(rolesByFile(), {
    'epoch-0002.safetensors': ['every'],
    'epoch-0003.safetensors': ['last', 'best'],
  });
  assert.deepEqual(files(), [
    'epoch-0002.json',
    'epoch-0002.safetensors',
    'epoch-0003.json',
    'epoch-0003.safetensors',
  ]);
  assert.deepEqual(
    entries.map(
      (entry) => `${entry.type} ${'file' in entry ? path.basename(entry.file, '.safetensors') : ''}`,
    ),
    [
      'checkpoint epoch-0001',
      'checkpoint epoch-0002',
      'checkpoint-roles epoch-0001',
      'checkpoint epoch-0003',
      'checkpoint-removed epoch-0001',
      'checkpoint-roles epoch-0002',
    ],
  );
});

test('a file is removed only after the record of its removal is on the disk', async () => {
  removedAtSync.length = 0;
  await save(stateAt(1, 10), ['last']);
  await save(stateAt(2, 20), ['last']);
  assert.deepEqual(removedAtSync, [true]);
  assert.ok(!existsSync(path.join(folder, 'checkpoints/epoch-0001.safetensors')));
});

test('a checkpoint without a role goes with the next one', async () => {
  await save(stateAt(1, 10), ['last', 'best']);
  await save(stateAt(1, 15, true), []);
  assert.deepEqual(rolesByFile(), {
    'epoch-0001.safetensors': ['last', 'best'],
    'epoch-0001-step-0000015.safetensors': [],
  });
  await save(stateAt(2, 20), ['last']);
  assert.deepEqual(rolesByFile(), { 'epoch-0001.safetensors': ['best'], 'epoch-0002.safetensors': ['last'] });
});

test('a pinned checkpoint stays without a role', async () => {
  await save(stateAt(1, 10), ['last', 'best']);
  writeFileSync(path.join(folder, 'checkpoints/epoch-0001.pin'), '');
  await save(stateAt(2, 20), ['last', 'best']);
  assert.deepEqual(rolesByFile(), {
    'epoch-0001.safetensors': [],
    'epoch-0002.safetensors': ['last', 'best'],
  });
  assert.ok(existsSync(path.join(folder, 'checkpoints/epoch-0001.safetensors')));
});

test('saved twice at one step, it is one checkpoint with both roles', async () => {
  await save(stateAt(1, 10), ['last']);
  await save(stateAt(1, 10), ['requested']);
  assert.deepEqual(rolesByFile(), { 'epoch-0001.safetensors': ['last', 'requested'] });
});

test('when the new one can not be written, the old one is untouched', async () => {
  await save(stateAt(1, 10), ['last', 'best']);
  const before = files();
  // A folder where the file should go: the rename fails, as a full disk would earlier.
  mkdirSync(path.join(folder, 'checkpoints/epoch-0002.safetensors'));
  await assert.rejects(save(stateAt(2, 20), ['last', 'best']));
  rmSync(path.join(folder, 'checkpoints/epoch-0002.safetensors'), { recursive: true });
  assert.deepEqual(files(), before);
  assert.equal((await loadCheckpoint(folder, kept[0]!.file)).position.step, 10);
});

test('a broken or missing file is a sentence that names it', async () => {
  await save(stateAt(1, 10), ['last']);
  const file = path.join(folder, 'checkpoints/epoch-0001.safetensors');
  writeFileSync(file, readFileSync(file).subarray(0, 100));
  await assert.rejects(
    loadCheckpoint(folder, kept[0]!.file),
    /The checkpoint .*epoch-0001.safetensors can't be read: /,
  );
  rmSync(path.join(folder, 'checkpoints/epoch-0001.json'));
  await assert.rejects(
    loadCheckpoint(folder, kept[0]!.file),
    /epoch-0001.safetensors can't be read: .*epoch-0001.json/,
  );
});

test('the sweep removes what nobody knows of, and nothing else', async () => {
  await save(stateAt(1, 10), ['last']);
  const inside = (name: string) => path.join(folder, 'checkpoints', name);
  for (const name of [
    'epoch-0002.safetensors',
    'epoch-0002.json',
    'epoch-0003.safetensors.77.tmp',
    'epoch-0004.safetensors',
    'epoch-0004.pin',
    'notes of mine.txt',
  ]) {
    writeFileSync(inside(name), '');
  }
  const removed = await sweepCheckpoints(folder, kept);
  assert.deepEqual(removed.sort(), [
    'checkpoints/epoch-0002.json',
    'checkpoints/epoch-0002.safetensors',
    'checkpoints/epoch-0003.safetensors.77.tmp',
  ]);
  assert.deepEqual(files(), [
    'epoch-0001.json',
    'epoch-0001.safetensors',
    'epoch-0004.pin',
    'epoch-0004.safetensors',
    'notes of mine.txt',
  ]);
});
