/* image_geometry.c: crop, flips and quarter turns. Samples are moved, never changed. */
#include "image.h"

#include <stddef.h>
#include <string.h>

static void copy_plane(const soma_plane *dst, const soma_plane *src, uint32_t x, uint32_t y) {
  for (uint32_t row = 0; row < dst->height; row++) {
    memcpy(soma_row(dst, row), soma_row(src, y + row) + (uint64_t)x * src->channels,
           (size_t)dst->width * dst->channels);
  }
}

int32_t soma_image_crop(const soma_image *dst, const soma_image *src, uint32_t x, uint32_t y) {
  const int32_t status = soma_image_check_pair(dst, src);
  if (status != SOMA_OK) return status;
  if (x > src->width || dst->width > src->width - x) return SOMA_BAD_SIZE;
  if (y > src->height || dst->height > src->height - y) return SOMA_BAD_SIZE;
  if (soma_is_ycbcr(src->format) && (x % 2 != 0 || y % 2 != 0)) return SOMA_BAD_SIZE;
  soma_plane to[3], from[3];
  const uint32_t count = soma_image_planes(to, dst);
  soma_image_planes(from, src);
  copy_plane(&to[0], &from[0], x, y);
  for (uint32_t i = 1; i < count; i++) copy_plane(&to[i], &from[i], x / 2, y / 2);
  return SOMA_OK;
}

/* A walk over the source that visits its elements in the order of the destination's rows. */
typedef struct walk {
  const uint8_t *origin;
  ptrdiff_t across; /* bytes from one element of a destination row to the next */
  ptrdiff_t down;   /* bytes from one destination row to the next */
} walk;

static walk plan_walk(const soma_plane *src, uint32_t orientation) {
  const ptrdiff_t right = (ptrdiff_t)src->channels, below = (ptrdiff_t)src->stride_bytes;
  const uint8_t *left_top = src->data;
  const uint8_t *right_top = left_top + right * (ptrdiff_t)(src->width - 1);
  const uint8_t *left_bottom = left_top + below * (ptrdiff_t)(src->height - 1);
  const uint8_t *right_bottom = left_bottom + right * (ptrdiff_t)(src->width - 1);
  switch (orientation) {
    case SOMA_FLIP_HORIZONTAL:
      return (walk){right_top, -right, below};
    case SOMA_ROTATE_180:
      return (walk){right_bottom, -right, -below};
    case SOMA_FLIP_VERTICAL:
      return (walk){left_bottom, right, -below};
    case SOMA_TRANSPOSE:
      return (walk){left_top, below, right};
    case SOMA_ROTATE_90:
      return (walk){left_bottom, -below, right};
    case SOMA_TRANSVERSE:
      return (walk){right_bottom, -below, -right};
    case SOMA_ROTATE_270:
      return (walk){right_top, below, -right};
    default:
      return (walk){left_top, right, below};
  }
}

SOMA_INLINE void walk_rows(const soma_plane *dst, walk w, uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1,
                           uint32_t channels) {
  for (uint32_t y = y0; y < y1; y++) {
    uint8_t *out = soma_row(dst, y) + (uint64_t)x0 * channels;
    const uint8_t *in = w.origin + w.down * (ptrdiff_t)y + w.across * (ptrdiff_t)x0;
    for (uint32_t x = x0; x < x1; x++, out += channels, in += w.across) memcpy(out, in, channels);
  }
}

/* Square blocks, so that a quarter turn, which strides through the source, stays within the cache. */
static void orient_plane(const soma_plane *dst, const soma_plane *src, uint32_t orientation) {
  const walk w = plan_walk(src, orientation);
  const uint32_t block = 64;
  for (uint32_t y = 0; y < dst->height; y += block) {
    const uint32_t y1 = dst->height - y < block ? dst->height : y + block;
    for (uint32_t x = 0; x < dst->width; x += block) {
      const uint32_t x1 = dst->width - x < block ? dst->width : x + block;
      switch (dst->channels) { /* constant sizes let memcpy become a move */
        case 1:
          walk_rows(dst, w, x, x1, y, y1, 1);
          break;
        case 2:
          walk_rows(dst, w, x, x1, y, y1, 2);
          break;
        case 3:
          walk_rows(dst, w, x, x1, y, y1, 3);
          break;
        default:
          walk_rows(dst, w, x, x1, y, y1, 4);
      }
    }
  }
}

int32_t soma_image_orient(const soma_image *dst, const soma_image *src, uint32_t orientation) {
  if (orientation < SOMA_UPRIGHT || orientation > SOMA_ROTATE_270) return SOMA_BAD_ARGUMENT;
  const int32_t status = soma_image_check_pair(dst, src);
  if (status != SOMA_OK) return status;
  const bool turned = orientation >= SOMA_TRANSPOSE;
  if (dst->width != (turned ? src->height : src->width)) return SOMA_BAD_SIZE;
  if (dst->height != (turned ? src->width : src->height)) return SOMA_BAD_SIZE;
  if (soma_is_ycbcr(src->format) && (src->width % 2 != 0 || src->height % 2 != 0)) return SOMA_BAD_SIZE;
  soma_plane to[3], from[3];
  const uint32_t count = soma_image_planes(to, dst);
  soma_image_planes(from, src);
  for (uint32_t i = 0; i < count; i++) orient_plane(&to[i], &from[i], orientation);
  return SOMA_OK;
}
