/** `reslt preset …`: the ready-made configurations. */
import type { Client } from './client.ts';
import { findPreset } from './lookup.ts';
import { facts, percent, table, type Output } from './output.ts';

export async function presetList(client: Client, output: Output): Promise<void> {
  const presets = await client.api.listPresets();
  output.result(
    presets.map(({ name, method, network, dataset, imbalanceFactor, source, published }) => ({
      name,
      method,
      network,
      dataset,
      imbalanceFactor,
      source,
      published,
    })),
    () =>
      table(
        ['preset', 'method', 'network', 'dataset', 'published %'],
        presets.map((one) => [one.name, one.method, one.network, one.dataset, percent(one.published?.top1)]),
      ),
  );
}

export async function presetShow(client: Client, output: Output, name: string): Promise<void> {
  const preset = await findPreset(client, name);
  output.result(preset, () =>
    [
      facts([
        ['preset', preset.name],
        ['source', preset.source],
        [
          'published',
          preset.published ? `${percent(preset.published.top1)} % (${preset.published.source})` : '–',
        ],
      ]),
      '',
      facts(Object.entries(preset.config).map(([key, value]) => [key, JSON.stringify(value)] as const)),
    ].join('\n'),
  );
}
