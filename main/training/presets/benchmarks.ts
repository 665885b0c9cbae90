/** The benchmarks that presets are made for: their size and imbalance, and which datasets fit them. */

export interface Benchmark {
  /** How the names of its presets begin: "cifar10-lt-if50". */
  id: string;
  /** "CIFAR-10-LT, IF 50". */
  label: string;
  /** The data in the lists of other programs, without the imbalance: "cifar10-lt". */
  dataset: string;
  classes: number;
  /** Smallest class count over the largest, in (0, 1]. */
  imbalanceFactor: number;
  /** Images of each split, to tell the time of a run before its dataset is there. */
  images: { train: number; test: number };
  imageKind: 'small' | 'large';
  /** Height of the images that networks are given. */
  imageSize: number;
  /** Whether the names of presets say the network. */
  namesNetwork: boolean;
}

const CIFAR_TEST_IMAGES = 10_000;

function cifar(classes: 10 | 100, imbalanceFactor: number, train: number): Benchmark {
  const ratio = Math.round(1 / imbalanceFactor);
  const dataset = `cifar${classes}-lt`;
  return {
    id: ratio === 100 ? dataset : `${dataset}-if${ratio}`,
    label: `CIFAR-${classes}-LT, IF ${ratio}`,
    dataset,
    classes,
    imbalanceFactor,
    images: { train, test: CIFAR_TEST_IMAGES },
    imageKind: 'small',
    imageSize: 32,
    namesNetwork: false,
  };
}

/** By imbalance: 100, 50, 10. */
export const CIFAR10_LT = [cifar(10, 0.01, 12_406), cifar(10, 0.02, 13_996), cifar(10, 0.1, 20_431)] as const;
export const CIFAR100_LT = [
  cifar(100, 0.01, 10_847),
  cifar(100, 0.02, 12_608),
  cifar(100, 0.1, 19_573),
] as const;

function photographs(
  label: string,
  dataset: string,
  classes: number,
  [most, least]: [number, number],
  images: Benchmark['images'],
): Benchmark {
  return {
    id: dataset,
    label,
    dataset,
    classes,
    imbalanceFactor: least / most,
    images,
    imageKind: 'large',
    imageSize: 224,
    namesNetwork: true,
  };
}

export const IMAGENET_LT = photographs('ImageNet-LT', 'imagenet-lt', 1000, [1280, 5], {
  train: 115_846,
  test: 50_000,
});
export const INATURALIST = photographs('iNaturalist 2018', 'inaturalist', 8142, [1000, 2], {
  train: 437_513,
  test: 24_426,
});
export const PLACES_LT = photographs('Places-LT', 'places-lt', 365, [4980, 5], {
  train: 62_500,
  test: 7_300,
});

export const SAMPLE: Benchmark = {
  id: 'sample',
  label: 'The bundled sample',
  dataset: 'sample',
  classes: 10,
  imbalanceFactor: 0.005,
  images: { train: 3358, test: 1000 },
  imageKind: 'small',
  imageSize: 28,
  namesNetwork: false,
};
