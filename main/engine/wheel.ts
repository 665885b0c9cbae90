/**
 * What a wheel says about itself: its file name (PEP 427), its METADATA (core metadata, PEP 508 requirements) and
 * whether we know it. Pure functions over text; reading the zip is unpack.ts.
 */
import { KNOWN_WHEELS } from './knownWheels.ts';

export interface WheelName {
  /** Normalised by PEP 503: lower case, runs of `-_.` as one `-`. */
  project: string;
  version: string;
  /** `cp311`, `py3`. */
  python: string;
  /** `manylinux_2_27_x86_64`, or several joined by dots. */
  platform: string;
}

/** One `Requires-Dist` line that belongs to an extra: `nvidia-cublas-cu12<13.0,>=12.5.3.2`. */
export interface Requirement {
  project: string;
  /** Version clauses as written, `<13.0,>=12.5.3.2`; empty when any version will do. */
  specifier: string;
}

export interface WheelMetadata {
  project: string;
  version: string;
  requirementsOf(extra: string): Requirement[];
}

/** A project's name as indexes spell it (PEP 503). */
export function normaliseProject(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Takes a wheel's file name apart; null when it is not a wheel's name. */
export function parseWheelName(fileName: string): WheelName | null {
  const match = /^([^-]+)-([^-]+)(?:-\d[^-]*)?-([^-]+)-([^-]+)-([^-]+)\.whl$/.exec(fileName);
  if (match === null) return null;
  const [, project, version, python, , platform] = match as unknown as string[];
  return { project: normaliseProject(project!), version: version!, python: python!, platform: platform! };
}

/** Parses a wheel's METADATA. Throws an Error when it names no project or version. */
export function parseMetadata(text: string): WheelMetadata {
  const headers = text.split(/\r?\n\r?\n/, 1)[0]!.split(/\r?\n/);
  const value = (key: string) =>
    headers
      .find((line) => line.toLowerCase().startsWith(`${key}:`))
      ?.slice(key.length + 1)
      .trim();
  const project = value('name');
  const version = value('version');
  if (project === undefined || version === undefined)
    throw new Error('The METADATA of the wheel names no project and version: it is not a Python wheel.');
  const requirements = headers
    .filter((line) => /^requires-dist:/i.test(line))
    .map((line) => line.slice(line.indexOf(':') + 1));
  return {
    project: normaliseProject(project),
    version,
    requirementsOf: (extra) => requirements.flatMap((line) => parseRequirement(line, extra)),
  };
}

function parseRequirement(line: string, extra: string): Requirement[] {
  const [requirement = '', marker = ''] = line.split(';', 2);
  if (!new RegExp(`extra\\s*==\\s*['"]${extra}['"]`).test(marker)) return [];
  const match = /^\s*([A-Za-z0-9._-]*[A-Za-z0-9])\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?\s*$/.exec(requirement);
  if (match === null) return [];
  return [{ project: normaliseProject(match[1]!), specifier: match[2]!.replaceAll(/\s/g, '') }];
}

/**
 * Whether a plain dotted version meets every clause of a specifier (`>=`, `<=`, `<`, `>`, `==`, `!=`). Throws an Error
 * at a clause of another kind: TensorFlow's requirements have none.
 */
export function satisfies(version: string, specifier: string): boolean {
  return specifier
    .split(',')
    .filter((clause) => clause !== '')
    .every((clause) => {
      const match = /^(>=|<=|==|!=|<|>)(\d+(?:\.\d+)*)$/.exec(clause);
      if (match === null)
        throw new Error(`The version clause "${clause}" is of a kind that is not understood.`);
      const order = compareVersions(version, match[2]!);
      switch (match[1]) {
        case '>=':
          return order >= 0;
        case '<=':
          return order <= 0;
        case '==':
          return order === 0;
        case '!=':
          return order !== 0;
        case '<':
          return order < 0;
        default:
          return order > 0;
      }
    });
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`; missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The version of a project that is in the table of known wheels and meets the requirement, or null. */
export function knownVersion(requirement: Requirement): string | null {
  for (const fileName of Object.keys(KNOWN_WHEELS)) {
    const wheel = parseWheelName(fileName);
    if (wheel?.project === requirement.project && satisfies(wheel.version, requirement.specifier))
      return wheel.version;
  }
  return null;
}

export type Listing = 'listed' | 'altered' | 'unlisted';

/** Whether a wheel is one we know, has a known name but other bytes, or is new to us. */
export function checkListing(fileName: string, sha256: string): Listing {
  if (Object.values(KNOWN_WHEELS).includes(sha256)) return 'listed';
  return fileName in KNOWN_WHEELS ? 'altered' : 'unlisted';
}
