/** `reslt preset …`: the ready-made configurations. */
import type { Preset } from '../../preload/contract.ts';
import type { Client } from './client.ts';
import { findPreset } from './lookup.ts';
import { facts, percent, seconds, table, type Output } from './output.ts';

export async function presetList(client: Client, output: Output): Promise<void> {
  const presets = await client.api.listPresets();
  output.result(
    // What it takes to choose one; its settings are what `preset show` adds.
    presets.map(({ config: _config, ...preset }) => preset),
    () =>
      table(
        ['preset', 'method', 'network', 'published %', 'expected', 'source'],
        presets.map((one) => [
          one.name,
          one.method,
          one.networkLabel,
          percent(one.published?.top1),
          one.expected === null ? '–' : seconds(one.expected.ms),
          one.source,
        ]),
      ),
  );
}

export async function presetShow(client: Client, output: Output, name: string): Promise<void> {
  const preset = await findPreset(client, name);
  output.result(preset, () =>
    [
      facts([
        ['preset', preset.name],
        ['benchmark', `${preset.benchmark} (${preset.classes} classes)`],
        ['source', preset.source],
        ['published', publishedText(preset.published)],
        ['expected', expectedText(preset.expected)],
        ...preset.needs.map((key) => ['needs', `--set ${key}=CHECKPOINT, such as 3@last`] as const),
      ]),
      '',
      facts(Object.entries(preset.config).map(([key, value]) => [key, JSON.stringify(value)] as const)),
    ].join('\n'),
  );
}

function publishedText(published: Preset['published']): string {
  if (published === null) return '– (no value that was verified)';
  const { top1, many, medium, few, source } = published;
  const groups =
    many === null ? '' : `; many ${percent(many)}, medium ${percent(medium)}, few ${percent(few)}`;
  return `${percent(top1)} %${groups} (${source})`;
}

function expectedText(expected: Preset['expected']): string {
  if (expected === null) return '– (known after the first steps of a run with this network)';
  const { ms, runs, sameMethod } = expected;
  const by = `${runs} earlier ${runs === 1 ? 'run' : 'runs'}`;
  return `${seconds(ms)} on this machine, by the speed of ${by}${sameMethod ? '' : ' with other methods or images'}`;
}
