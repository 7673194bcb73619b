/* clip.c: validation of a clip block. Everything the sampler takes for granted is proven here, once per clip. */
#include "clip.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static bool is_time(double seconds) { return isfinite(seconds) && fabs(seconds) <= SOMA_MAX_SECONDS; }

static bool is_value(float value) { return fabs((double)value) <= SOMA_MAX_VALUE; }

static bool are_values_bounded(const float *values, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (!is_value(values[i])) return false;
  }
  return true;
}

static double square_length(double x, double y, double z, double w) { return x * x + y * y + z * z + w * w; }

static bool is_rotation(const float *q) {
  const double square = square_length(q[0], q[1], q[2], q[3]);
  return square >= SOMA_MIN_ROTATION * SOMA_MIN_ROTATION && square <= SOMA_MAX_ROTATION * SOMA_MAX_ROTATION;
}

static bool are_times_rising(const float *times, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!is_time((double)times[i])) return false;
    if (i > 0 && !(times[i] > times[i - 1])) return false;
  }
  return true;
}

bool soma_is_timing_valid(const soma_clip *clip, const soma_track *track) {
  if (track->kind == SOMA_TRACK_CONSTANT) return track->key_count == 1 && (track->flags & SOMA_TRACK_WRAPS) == 0;
  if (track->times_offset == 0) {
    const bool wraps = (track->flags & SOMA_TRACK_WRAPS) != 0;
    if (wraps && !(clip->wrap_s > 0)) return false;
    return is_time(track->start_s) && is_time(track->step_s) && track->step_s > 0;
  }
  if ((track->flags & SOMA_TRACK_WRAPS) != 0) return false;
  if (!soma_is_inside(clip, track->times_offset, track->key_count, sizeof(float), sizeof(float))) return false;
  return are_times_rising(soma_clip_at(clip, track->times_offset), track->key_count);
}

static bool is_lane_valid(const soma_clip *clip, const soma_track *track, uint32_t property) {
  if (clip->lanes_offset == 0 || track->kind == SOMA_TRACK_STEP || track->kind == SOMA_TRACK_CUBIC) return false;
  const soma_lanes *lanes = soma_clip_at(clip, clip->lanes_offset);
  const uint32_t width = soma_property_width(property);
  const uint64_t floats_per_key = lanes->key_bytes / sizeof(float);
  const uint64_t floats = (track->key_count - 1) * floats_per_key + (width - 1) * SOMA_LANES + 1;
  if (!soma_is_inside(clip, track->values_offset, floats, sizeof(float), sizeof(float))) return false;
  const float *values = soma_clip_at(clip, track->values_offset);
  for (uint32_t key = 0; key < track->key_count; key++, values += floats_per_key) {
    for (uint32_t i = 0; i < width; i++) {
      if (!is_value(values[i * SOMA_LANES])) return false;
    }
    if (property != SOMA_ROTATION) continue;
    const double square = square_length(values[0], values[SOMA_LANES], values[2 * SOMA_LANES], values[3 * SOMA_LANES]);
    if (!(fabs(square - 1) <= SOMA_UNIT_TOLERANCE)) return false;
  }
  return true;
}

static bool is_track_valid(const soma_clip *clip, const soma_track *track, uint32_t property) {
  if (track->kind > SOMA_TRACK_CUBIC || track->key_count == 0) return false;
  if ((track->flags & ~(SOMA_TRACK_WRAPS | SOMA_TRACK_IN_LANES)) != 0 || track->reserved != 0) return false;
  if ((track->flags & SOMA_TRACK_IN_LANES) != 0) {
    return soma_is_timing_valid(clip, track) && is_lane_valid(clip, track, property);
  }
  const bool cubic = track->kind == SOMA_TRACK_CUBIC;
  const uint32_t width = soma_property_width(property);
  const uint32_t floats_per_key = cubic ? 3 * width : width;
  if (!soma_is_inside(clip, track->values_offset, track->key_count, floats_per_key * (uint32_t)sizeof(float),
                      sizeof(float))) {
    return false;
  }
  if (!soma_is_timing_valid(clip, track)) return false;
  const float *values = soma_clip_at(clip, track->values_offset);
  if (!are_values_bounded(values, (uint64_t)track->key_count * floats_per_key)) return false;
  if (property != SOMA_ROTATION) return true;
  for (uint32_t key = 0; key < track->key_count; key++) {
    if (!is_rotation(values + (uint64_t)key * floats_per_key + (cubic ? width : 0))) return false;
  }
  return true;
}

static bool is_header_valid(const soma_clip *clip, uint64_t byte_length) {
  return clip->magic == SOMA_CLIP_MAGIC && clip->version == SOMA_CLIP_VERSION && clip->flags == 0 &&
         clip->reserved == 0 && clip->byte_length == byte_length && clip->joint_count >= 1 &&
         clip->joint_count <= SOMA_MAX_JOINTS && is_time(clip->start_s) && is_time(clip->end_s) &&
         clip->start_s <= clip->end_s && is_time(clip->wrap_s) &&
         (clip->wrap_s == 0 || clip->wrap_s >= clip->end_s - clip->start_s) && clip->wrap_s >= 0;
}

int32_t soma_clip_validate(const void *block, uint64_t byte_length) {
  const soma_clip *clip = block;
  if (block == NULL || (uintptr_t)block % 8 != 0) return SOMA_BAD_ARGUMENT;
  if (byte_length < sizeof *clip || !is_header_valid(clip, byte_length)) return SOMA_BAD_CLIP;
  const uint32_t joints = clip->joint_count;
  if (!soma_is_inside(clip, clip->parents_offset, joints, sizeof(int32_t), sizeof(int32_t)) ||
      !soma_is_inside(clip, clip->tracks_offset, (uint64_t)joints * SOMA_PROPERTIES, sizeof(soma_track), 8)) {
    return SOMA_BAD_CLIP;
  }
  const int32_t *parents = soma_clip_at(clip, clip->parents_offset);
  for (uint32_t joint = 0; joint < joints; joint++) {
    if (parents[joint] < -1 || parents[joint] >= (int32_t)joint) return SOMA_BAD_PARENT;
  }
  if (clip->lanes_offset != 0 && !soma_are_lanes_placed(clip)) return SOMA_BAD_CLIP;
  const soma_track *tracks = soma_clip_at(clip, clip->tracks_offset);
  for (uint32_t i = 0; i < joints * SOMA_PROPERTIES; i++) {
    if (!is_track_valid(clip, &tracks[i], i % SOMA_PROPERTIES)) return SOMA_BAD_CLIP;
  }
  if (clip->lanes_offset != 0 && !soma_are_lanes_valid(clip)) return SOMA_BAD_CLIP;
  return SOMA_OK;
}
