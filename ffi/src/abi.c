/* abi.c: the table by which the loader makes sure that library and bindings were built from the same header. */
#include "simd.h"
#include "soma.h"

#include <stddef.h>

_Static_assert(sizeof(void *) == 8, "struct soma_image holds 64-bit pointers");
_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 single and double");
#if defined(__BYTE_ORDER__)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "clips are little-endian");
#endif

_Static_assert(sizeof(soma_clip) == 64, "soma_clip");
_Static_assert(offsetof(soma_clip, byte_length) == 16, "soma_clip.byte_length");
_Static_assert(offsetof(soma_clip, parents_offset) == 24, "soma_clip.parents_offset");
_Static_assert(offsetof(soma_clip, start_s) == 32, "soma_clip.start_s");
_Static_assert(offsetof(soma_clip, lanes_offset) == 56, "soma_clip.lanes_offset");
_Static_assert(sizeof(soma_track) == 40, "soma_track");
_Static_assert(offsetof(soma_track, start_s) == 16, "soma_track.start_s");
_Static_assert(offsetof(soma_track, flags) == 32, "soma_track.flags");
_Static_assert(sizeof(soma_lanes) == 64, "soma_lanes");
_Static_assert(offsetof(soma_lanes, key_bytes) == 40, "soma_lanes.key_bytes");
_Static_assert(offsetof(soma_lanes, rest_offset) == 56, "soma_lanes.rest_offset");
_Static_assert(sizeof(soma_lane_group) == 56, "soma_lane_group");
_Static_assert(offsetof(soma_lane_group, moving) == 36, "soma_lane_group.moving");
_Static_assert(offsetof(soma_lane_group, lanes_offset) == 44, "soma_lane_group.lanes_offset");
_Static_assert(sizeof(soma_image) == 56, "soma_image");
_Static_assert(offsetof(soma_image, stride_bytes) == 24, "soma_image.stride_bytes");
_Static_assert(offsetof(soma_image, format) == 44, "soma_image.format");
_Static_assert(sizeof(soma_png_info) == 16, "soma_png_info");
_Static_assert(sizeof(soma_rect) == 16, "soma_rect");
_Static_assert(sizeof(soma_skin) == 8, "soma_skin");
_Static_assert(sizeof(soma_sums) == 32, "soma_sums");
_Static_assert(sizeof(soma_process_plan) == 32, "soma_process_plan");

int32_t soma_abi(uint32_t *out, uint32_t capacity) {
  static const uint32_t table[] = {
      SOMA_ABI_VERSION,        sizeof(soma_clip),  sizeof(soma_track),        sizeof(soma_lanes),
      sizeof(soma_lane_group), sizeof(soma_image), sizeof(soma_png_info),     sizeof(soma_rect),
      sizeof(soma_skin),       sizeof(soma_sums),  sizeof(soma_process_plan),
  };
  const uint32_t entries = sizeof table / sizeof table[0];
  if (out == NULL || capacity < entries) return SOMA_BAD_ARGUMENT;
  for (uint32_t i = 0; i < entries; i++) out[i] = table[i];
  return (int32_t)entries;
}

int32_t soma_simd_level(void) { return soma_level(); }
