/**
 * Rotation of a small image about its centre, nearest neighbour, black outside, number for number as Pillow does it
 * (16-bit fixed point): the random rotation of RIDE's CIFAR recipes.
 */

const ONE = 65536;

/**
 * Rotates an image [height, width, channels] into `out` of the same size, by `degrees` counter-clockwise. The image
 * must be smaller than 32768 pixels a side.
 */
export function rotateImage(
  image: Uint8Array,
  { height, width, channels }: { height: number; width: number; channels: number },
  degrees: number,
  out: Uint8Array,
): void {
  // Pillow turns the angle into 0…360 first, and rounds the matrix to 15 decimals.
  const angle = -(((degrees % 360) + 360) % 360) * (Math.PI / 180);
  const cosine = rounded(Math.cos(angle));
  const sine = rounded(Math.sin(angle));
  const [centreX, centreY] = [width / 2, height / 2];
  const offsetX = cosine * -centreX + sine * -centreY + centreX;
  const offsetY = -sine * -centreX + cosine * -centreY + centreY;
  const stepX = fixed(cosine);
  const stepY = fixed(-sine);
  let rowX = fixed(offsetX + cosine * 0.5 + sine * 0.5);
  let rowY = fixed(offsetY - sine * 0.5 + cosine * 0.5);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let atX = rowX;
    let atY = rowY;
    for (let x = 0; x < width; x++) {
      const column = atX >> 16;
      const row = atY >> 16;
      const inside = column >= 0 && column < width && row >= 0 && row < height;
      const from = inside ? (row * width + column) * channels : -1;
      for (let c = 0; c < channels; c++) out[to++] = inside ? image[from + c]! : 0;
      atX += stepX;
      atY += stepY;
    }
    rowX += fixed(sine);
    rowY += stepX;
  }
}

function fixed(value: number): number {
  return Math.floor(value * ONE + 0.5);
}

function rounded(value: number): number {
  return Math.round(value * 1e15) / 1e15;
}
