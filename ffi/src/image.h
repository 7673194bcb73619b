/* image.h: what the image_*.c files share: checking a view and taking it apart into planes. */
#ifndef SOMA_IMAGE_H
#define SOMA_IMAGE_H

#include "simd.h"
#include "soma.h"

#include <stdbool.h>

/* One plane of a view: height rows of width elements of channels bytes each. */
typedef struct soma_plane {
  uint8_t *data;
  uint32_t stride_bytes;
  uint32_t width;
  uint32_t height;
  uint32_t channels;
} soma_plane;

/* SOMA_OK when the view is usable: everything that soma.h says of soma_image. A null view is SOMA_BAD_ARGUMENT. */
int32_t soma_image_check(const soma_image *image);

/* Both views are usable, and of one format and (where it matters) colour code. */
int32_t soma_image_check_pair(const soma_image *dst, const soma_image *src);

/* Fills out with the planes of a checked view; returns how many. */
uint32_t soma_image_planes(soma_plane out[3], const soma_image *image);

SOMA_INLINE bool soma_is_ycbcr(uint32_t format) { return format == SOMA_I420 || format == SOMA_NV12; }

SOMA_INLINE uint32_t soma_half_up(uint32_t side) { return side / 2 + side % 2; }

SOMA_INLINE uint8_t *soma_row(const soma_plane *plane, uint32_t y) {
  return plane->data + (uint64_t)y * plane->stride_bytes;
}

SOMA_INLINE uint8_t soma_clamp_u8(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

#endif
