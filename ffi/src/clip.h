/* clip.h: how the clip functions read a clip block, and the ranges that soma_clip_validate grants to them. */
#ifndef SOMA_CLIP_H
#define SOMA_CLIP_H

#include "simd.h"
#include "soma.h"

#include <stdbool.h>

/* Bounds that keep every intermediate value of sampling finite in float32. They are part of the clip format. */
#define SOMA_MAX_SECONDS 1e9   /* of every time, |t| */
#define SOMA_MAX_VALUE 1e18    /* of translations, scales and tangents, |v| */
#define SOMA_MIN_ROTATION 1e-6 /* length of a rotation key */
#define SOMA_MAX_ROTATION 1e6

enum { SOMA_TRANSLATION = 0, SOMA_ROTATION = 1, SOMA_SCALE = 2, SOMA_PROPERTIES = 3 };

SOMA_INLINE const void *soma_clip_at(const soma_clip *clip, uint32_t offset) { return (const uint8_t *)clip + offset; }

SOMA_INLINE uint32_t soma_property_width(uint32_t property) { return property == SOMA_ROTATION ? 4u : 3u; }

/* Two tracks with the same times find the same keys. */
SOMA_INLINE bool soma_has_same_times(const soma_track *a, const soma_track *b) {
  return a->times_offset == b->times_offset && a->key_count == b->key_count && a->start_s == b->start_s &&
         a->step_s == b->step_s && ((a->flags ^ b->flags) & SOMA_TRACK_WRAPS) == 0;
}

/* count × size bytes at an aligned offset lie inside the block. Callers keep count × size below 2⁶⁴, which
 * two 32-bit factors do. */
SOMA_INLINE bool soma_is_inside(const soma_clip *clip, uint32_t offset, uint64_t count, uint32_t size,
                                uint32_t alignment) {
  return offset % alignment == 0 && offset >= sizeof *clip && offset <= clip->byte_length &&
         count * size <= clip->byte_length - offset;
}

/* Times of a track, or of all lanes. */
bool soma_is_timing_valid(const soma_clip *clip, const soma_track *track);

/* The lanes lie in the block and their times are valid: enough to read the tracks in them. */
bool soma_are_lanes_placed(const soma_clip *clip);

/* Groups and rest hold every joint once, and groups and tracks say the same. Relies on valid tracks and on soma_are_lanes_placed. */
bool soma_are_lanes_valid(const soma_clip *clip);

#endif
