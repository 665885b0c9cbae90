/** The contract's functions about configurations, before there is a run. */
import { statfs } from 'node:fs/promises';
import { parse, stringify, YAMLParseError } from 'yaml';
import type { Api, Config, ConfigCheck } from '../../preload/contract.ts';
import { parseRunConfig } from '../training/config.ts';
import { findPreset, presetConfig } from '../training/presets/index.ts';
import { checkRun } from './checkRun.ts';
import { configChanges, configFields, methodInfos, presets } from './configText.ts';
import type { ApiContext } from './context.ts';
import { datasetFit } from './datasetFit.ts';
import { Estimates } from './estimates.ts';
import { findOrigins } from './origins.ts';
import { evaluatedImages, runMemory } from './runMemory.ts';

type ConfigApi = Pick<
  Api,
  'getConfigFields' | 'listMethods' | 'listPresets' | 'checkConfig' | 'formatConfig' | 'parseConfig'
>;

export function configApi(context: ApiContext): ConfigApi {
  const { store, libraryFolder } = context;

  async function checkConfig({
    config,
    datasetId,
    preset,
    base,
    seeds,
  }: Parameters<Api['checkConfig']>[0]): Promise<ConfigCheck> {
    const dataset = datasetId === null ? null : store.datasets.get(datasetId);
    const { problems, warnings, resolved, config: checked, network } = checkRun(config, dataset, preset);
    const planned = checked !== null && dataset !== null && resolved !== null;
    if (dataset !== null) {
      const fit = await datasetFit(context, dataset);
      problems.push(...fit.problems);
      warnings.push(...fit.warnings);
    }
    if (planned) {
      const origins = await findOrigins(context, checked, dataset);
      problems.push(...origins.problems);
      warnings.push(...origins.warnings);
    }
    const memory =
      checked === null || network === null || dataset === null
        ? null
        : await runMemory(checked, network, evaluatedImages(dataset));
    if (memory?.problem) problems.push(memory.problem);
    if (memory?.warning) warnings.push(memory.warning);
    const disk = await statfs(libraryFolder);
    const estimates = new Estimates(store);
    const bytesPerRun = planned ? estimates.diskBytes(checked as Config, dataset) : null;
    return {
      problems,
      warnings,
      changes: configChanges(base ?? baseOf(preset) ?? {}, (checked as Config | null) ?? config).filter(
        // With a base, what it leaves to the defaults is no change; without one, everything that is set is.
        ({ after }) => after !== undefined,
      ),
      resolved,
      memory: memory?.memory ?? null,
      estimate: {
        perRun: planned ? estimates.time(checked as Config, dataset, resolved.totalSteps) : null,
        startsAtMs: estimates.emptyAt(Date.now()),
        diskBytes: bytesPerRun === null ? null : bytesPerRun * Math.max(1, seeds.length),
        freeDiskBytes: disk.bavail * disk.bsize,
      },
    };
  }

  return {
    async getConfigFields() {
      return configFields();
    },

    async listMethods() {
      return methodInfos();
    },

    async listPresets() {
      return presets(store);
    },

    checkConfig,

    async formatConfig({ config }) {
      return { yaml: stringify(config) };
    },

    async parseConfig({ yaml }) {
      let value: unknown;
      try {
        value = parse(yaml, { maxAliasCount: 0 });
      } catch (error) {
        if (!(error instanceof YAMLParseError || error instanceof ReferenceError)) throw error;
        return { config: null, problems: [{ key: '', message: `This is no YAML: ${error.message}` }] };
      }
      const { config, problems } = parseRunConfig(value);
      return {
        config: config as Config | null,
        problems: (problems ?? []).map(({ key, message }) => ({ key: key ?? '', message })),
      };
    },
  };
}

/** The whole configuration of a preset, or null where there is none of this name. */
export function baseOf(presetName: string | null): Config | null {
  const preset = presetName === null ? null : findPreset(presetName);
  return preset === null ? null : (presetConfig(preset) as Config);
}
