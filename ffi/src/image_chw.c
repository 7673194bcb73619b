/* image_chw.c: normalised channel planes for neural networks. */
#include "image.h"

#include <stddef.h>

/* A byte has 256 values: every result is looked up, so each is the float64 formula rounded once. */
static void fill_table(float table[256], float mean, float deviation) {
  for (int value = 0; value < 256; value++) {
    table[value] = (float)(((double)value / 255.0 - (double)mean) / (double)deviation);
  }
}

int32_t soma_image_to_chw(float *out, const soma_image *src, const float *mean, const float *deviation) {
  const int32_t status = soma_image_check(src);
  if (status != SOMA_OK) return status;
  if (out == NULL || mean == NULL || deviation == NULL || soma_is_ycbcr(src->format)) return SOMA_BAD_ARGUMENT;
  soma_plane plane[3];
  soma_image_planes(plane, src);
  const uint32_t step = plane[0].channels, channels = step == 1 ? 1 : 3;
  for (uint32_t channel = 0; channel < channels; channel++) {
    if (!(deviation[channel] > 0)) return SOMA_BAD_ARGUMENT;
  }
  for (uint32_t channel = 0; channel < channels; channel++) {
    float table[256];
    fill_table(table, mean[channel], deviation[channel]);
    for (uint32_t y = 0; y < src->height; y++) {
      const uint8_t *in = soma_row(&plane[0], y) + channel;
      for (uint32_t x = 0; x < src->width; x++, in += step) *out++ = table[*in];
    }
  }
  return SOMA_OK;
}
