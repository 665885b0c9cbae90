import test from 'node:test';
import assert from 'node:assert/strict';
import { utilisationBetween } from '../../../main/engine/deviceMeter.ts';
import { formatDoctorReport } from '../../../main/engine/doctor.ts';
import { parseGpuQuery } from '../../../main/engine/gpu.ts';
import { createProgressText, describeProgress } from '../../../main/engine/progressText.ts';

test('nvidia-smi’s table becomes fractions, bytes and degrees; what it does not tell is null', () => {
  const text =
    'NVIDIA H100 80GB HBM3, 550.54.15, 37, 1024, 81559, 41\nTesla K80, 470.1, [N/A], [Not Supported], 11441, [N/A]\n';
  assert.deepEqual(parseGpuQuery(text), [
    {
      name: 'NVIDIA H100 80GB HBM3',
      driverVersion: '550.54.15',
      utilisation: 0.37,
      memoryUsedBytes: 1024 * 1024 * 1024,
      memoryTotalBytes: 81559 * 1024 * 1024,
      temperatureC: 41,
    },
    {
      name: 'Tesla K80',
      driverVersion: '470.1',
      utilisation: null,
      memoryUsedBytes: null,
      memoryTotalBytes: 11441 * 1024 * 1024,
      temperatureC: null,
    },
  ]);
  assert.deepEqual(parseGpuQuery('No devices were found\n'), []);
});

test('CPU utilisation is the busy share of the time between two readings', () => {
  assert.equal(utilisationBetween({ busyMs: 100, totalMs: 1000 }, { busyMs: 150, totalMs: 1200 }), 0.25);
  assert.equal(utilisationBetween({ busyMs: 100, totalMs: 1000 }, { busyMs: 100, totalMs: 1000 }), null);
});

test('the doctor’s text has a line an item, its mend below it, and a count', () => {
  const text = formatDoctorReport({
    items: [
      { name: 'Node', value: 'v24', status: 'ok', mend: null },
      { name: 'Disk', value: '0.1 GB', status: 'problem', mend: 'Free space.' },
    ],
  });
  assert.deepEqual(text.split('\n'), [
    ' ok   Node  v24',
    'FAIL  Disk  0.1 GB',
    '            → Free space.',
    '',
    '1 problem, 0 warnings',
  ]);
});

test('progress says how far it is, as far as that is known', () => {
  const progress = { stage: 'download' as const, message: 'Downloading x' };
  assert.equal(describeProgress({ ...progress, doneBytes: null, totalBytes: null }), 'Downloading x …');
  assert.equal(describeProgress({ ...progress, doneBytes: 5e6, totalBytes: null }), 'Downloading x: 5 MB');
  assert.equal(
    describeProgress({ ...progress, doneBytes: 5e6, totalBytes: 20e6 }),
    'Downloading x: 5 of 20 MB, 25 %',
  );
});

test('in a file progress is a line a stage and one every ten seconds', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const tell = createProgressText({ write: (text: string) => lines.push(text) > 0 }, () => nowMs);
  const download = { stage: 'download' as const, message: 'Downloading x', totalBytes: 10e6 };
  for (let second = 0; second <= 12; second++) {
    nowMs = second * 1000;
    tell({ ...download, doneBytes: second * 0.5e6 });
  }
  tell({ stage: 'compile', message: 'Building', doneBytes: null, totalBytes: null });
  assert.deepEqual(lines, [
    'Downloading x: 0 of 10 MB, 0 %\n',
    'Downloading x: 5 of 10 MB, 50 %\n',
    'Building …\n',
  ]);
});
