/* image_view.c: checks of image views. Every image function passes through here before it touches a pixel. */
#include "image.h"

#include <stddef.h>

uint32_t soma_image_planes(soma_plane out[3], const soma_image *image) {
  const uint32_t width = image->width, height = image->height;
  const uint32_t half_width = soma_half_up(width), half_height = soma_half_up(height);
  uint8_t *const *planes = image->planes;
  const uint32_t *strides = image->stride_bytes;
  switch (image->format) {
    case SOMA_I420:
      out[0] = (soma_plane){planes[0], strides[0], width, height, 1};
      out[1] = (soma_plane){planes[1], strides[1], half_width, half_height, 1};
      out[2] = (soma_plane){planes[2], strides[2], half_width, half_height, 1};
      return 3;
    case SOMA_NV12:
      out[0] = (soma_plane){planes[0], strides[0], width, height, 1};
      out[1] = (soma_plane){planes[1], strides[1], half_width, half_height, 2};
      return 2;
    default:
      out[0] = (soma_plane){planes[0], strides[0], width, height, 1};
      if (image->format == SOMA_RGB) out[0].channels = 3;
      if (image->format == SOMA_RGBA) out[0].channels = 4;
      return 1;
  }
}

int32_t soma_image_check(const soma_image *image) {
  if (image == NULL || image->format > SOMA_NV12 || image->reserved != 0) return SOMA_BAD_ARGUMENT;
  if (soma_is_ycbcr(image->format) && image->colour > SOMA_BT709_FULL) return SOMA_BAD_ARGUMENT;
  if (image->width == 0 || image->width > SOMA_MAX_IMAGE_SIDE) return SOMA_BAD_SIZE;
  if (image->height == 0 || image->height > SOMA_MAX_IMAGE_SIDE) return SOMA_BAD_SIZE;
  soma_plane planes[3];
  const uint32_t count = soma_image_planes(planes, image);
  for (uint32_t i = 0; i < count; i++) {
    if (planes[i].data == NULL) return SOMA_BAD_ARGUMENT;
    if (planes[i].stride_bytes < planes[i].width * planes[i].channels) return SOMA_BAD_SIZE;
  }
  return SOMA_OK;
}

int32_t soma_image_check_pair(const soma_image *dst, const soma_image *src) {
  const int32_t dst_status = soma_image_check(dst);
  if (dst_status != SOMA_OK) return dst_status;
  const int32_t src_status = soma_image_check(src);
  if (src_status != SOMA_OK) return src_status;
  if (dst->format != src->format) return SOMA_BAD_ARGUMENT;
  if (soma_is_ycbcr(src->format) && dst->colour != src->colour) return SOMA_BAD_ARGUMENT;
  return SOMA_OK;
}
