/* fk_sample.c: local matrices of a clip at one time. Looks up keys (this file), once for all lanes and for each track outside them, then
 * leaves the arithmetic to the pose form of this machine (fk_pose_*.c). Relies on soma_clip_validate and checks nothing again. */
#include "clip.h"
#include "pose_chunk.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Two keys and the place between them: value = from + (to - from)·blend. */
typedef struct interval {
  uint32_t from;
  uint32_t to;
  double blend;  /* 0 … 1 */
  double span_s; /* time between the keys, for cubic tangents */
} interval;

/* What one call keeps at hand. Most tracks of a clip share their key times, so the last look-up is worth remembering. */
typedef struct sampler {
  const soma_clip *clip;
  double held_s;          /* the time asked for, held inside [start_s, end_s] */
  double wrapped_s;       /* the same for tracks that wrap */
  const soma_track *last; /* the track that `found` belongs to, or null */
  interval found;
} sampler;

static interval find_uniform(const soma_track *track, double time_s) {
  const double place = (time_s - track->start_s) / track->step_s;
  const uint32_t last = track->key_count - 1;
  if (!(place > 0)) return (interval){0, 0, 0, track->step_s};
  if (place < last) {
    const uint32_t key = (uint32_t)place;
    return (interval){key, key + 1, place - key, track->step_s};
  }
  if ((track->flags & SOMA_TRACK_WRAPS) == 0) return (interval){last, last, 0, track->step_s};
  if (place < (double)last + 1) return (interval){last, 0, place - last, track->step_s};
  return (interval){0, 0, 0, track->step_s};
}

static interval find_timed(const float *times, uint32_t key_count, double time_s) {
  uint32_t low = 0, high = key_count; /* the keys at or before the time are [0, low), those after it [high, …) */
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if ((double)times[middle] <= time_s) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return (interval){0, 0, 0, 0};
  if (low == key_count) return (interval){key_count - 1, key_count - 1, 0, 0};
  const double span_s = (double)times[low] - (double)times[low - 1];
  return (interval){low - 1, low, (time_s - (double)times[low - 1]) / span_s, span_s};
}

SOMA_INLINE interval find_keys(sampler *s, const soma_track *track) {
  if (s->last != NULL && soma_has_same_times(s->last, track)) return s->found;
  s->last = track;
  if (track->times_offset != 0) {
    s->found = find_timed(soma_clip_at(s->clip, track->times_offset), track->key_count, s->held_s);
  } else {
    s->found = find_uniform(track, (track->flags & SOMA_TRACK_WRAPS) != 0 ? s->wrapped_s : s->held_s);
  }
  return s->found;
}

/* glTF 2.0, appendix C.4: cubic Hermite over (in-tangent, value, out-tangent) triples. In float64 the bounds of
 * soma_clip_validate cannot overflow. */
static void evaluate_cubic(float *out, const float *values, uint32_t width, const interval *keys) {
  const float *from = values + (uint64_t)keys->from * 3 * width;
  const float *to = values + (uint64_t)keys->to * 3 * width;
  const double t = keys->blend, t2 = t * t, t3 = t2 * t;
  const double from_weight = 2 * t3 - 3 * t2 + 1, to_weight = 3 * t2 - 2 * t3;
  const double out_weight = keys->span_s * (t3 - 2 * t2 + t), in_weight = keys->span_s * (t3 - t2);
  for (uint32_t i = 0; i < width; i++) {
    out[i] = (float)(from_weight * (double)from[width + i] + out_weight * (double)from[2 * width + i] +
                     to_weight * (double)to[width + i] + in_weight * (double)to[i]);
  }
}

/* Normalised here and not in the kernel, whose float32 squares would overflow for far-flung tangents. A curve that passes
 * through zero has no direction there: the key before it stands in. */
static void evaluate_cubic_rotation(float *out, const float *values, const interval *keys) {
  evaluate_cubic(out, values, 4, keys);
  const double x = out[0], y = out[1], z = out[2], w = out[3];
  const double length = sqrt(x * x + y * y + z * z + w * w);
  const float *key = values + (uint64_t)keys->from * 12 + 4;
  for (uint32_t i = 0; i < 4; i++) out[i] = length < SOMA_MIN_ROTATION ? key[i] : (float)((double)out[i] / length);
}

SOMA_INLINE void sample_vector(sampler *s, float *x, float *y, float *z, const soma_track *track) {
  const float *values = soma_clip_at(s->clip, track->values_offset);
  if (track->kind == SOMA_TRACK_CONSTANT) {
    *x = values[0];
    *y = values[1];
    *z = values[2];
    return;
  }
  const interval keys = find_keys(s, track);
  if (track->kind == SOMA_TRACK_CUBIC) {
    float value[3];
    evaluate_cubic(value, values, 3, &keys);
    *x = value[0];
    *y = value[1];
    *z = value[2];
    return;
  }
  const double blend = track->kind == SOMA_TRACK_LINEAR ? keys.blend : 0;
  const float *from = values + (uint64_t)keys.from * 3, *to = values + (uint64_t)keys.to * 3;
  *x = (float)((double)from[0] + ((double)to[0] - (double)from[0]) * blend);
  *y = (float)((double)from[1] + ((double)to[1] - (double)from[1]) * blend);
  *z = (float)((double)from[2] + ((double)to[2] - (double)from[2]) * blend);
}

SOMA_INLINE void find_rotation(sampler *s, soma_pose_chunk *chunk, uint32_t lane, const soma_track *track) {
  const float *values = soma_clip_at(s->clip, track->values_offset);
  if (track->kind == SOMA_TRACK_CONSTANT) {
    chunk->rotation_from[lane] = values;
    chunk->rotation_to[lane] = values;
    chunk->blend[lane] = 0;
    return;
  }
  const interval keys = find_keys(s, track);
  if (track->kind == SOMA_TRACK_CUBIC) {
    evaluate_cubic_rotation(chunk->evaluated[lane], values, &keys);
    chunk->rotation_from[lane] = chunk->evaluated[lane];
    chunk->rotation_to[lane] = chunk->evaluated[lane];
    chunk->blend[lane] = 0;
    return;
  }
  const bool linear = track->kind == SOMA_TRACK_LINEAR;
  chunk->rotation_from[lane] = values + (uint64_t)keys.from * 4;
  chunk->rotation_to[lane] = values + (uint64_t)(linear ? keys.to : keys.from) * 4;
  chunk->blend[lane] = linear ? (float)keys.blend : 0;
}

SOMA_INLINE void find_lane(sampler *s, soma_pose_chunk *chunk, uint32_t lane, const soma_track *tracks) {
  sample_vector(s, &chunk->translation[0][lane], &chunk->translation[1][lane], &chunk->translation[2][lane],
                &tracks[SOMA_TRANSLATION]);
  find_rotation(s, chunk, lane, &tracks[SOMA_ROTATION]);
  sample_vector(s, &chunk->scale[0][lane], &chunk->scale[1][lane], &chunk->scale[2][lane], &tracks[SOMA_SCALE]);
}

/* Copies of the last joint fill the lanes that a form reads too. */
static void fill_chunk(soma_pose_chunk *chunk, uint32_t count) {
  for (uint32_t lane = count; lane % 16 != 0; lane++) {
    chunk->rotation_from[lane] = chunk->rotation_from[count - 1];
    chunk->rotation_to[lane] = chunk->rotation_to[count - 1];
    chunk->blend[lane] = 0;
    for (uint32_t i = 0; i < 3; i++) chunk->translation[i][lane] = chunk->scale[i][lane] = 0;
  }
}

/* Translations of joints in lanes whose own tracks are elsewhere: a root that alone moves would leave seven lanes empty. */
static void sample_apart(sampler *s, float *local_out, const soma_lane_group *groups, uint32_t group_count) {
  const soma_track *tracks = soma_clip_at(s->clip, s->clip->tracks_offset);
  for (uint32_t index = 0; index < group_count; index++) {
    uint32_t apart = groups[index].apart;
    for (uint32_t lane = 0; apart != 0; lane++, apart >>= 1) {
      if ((apart & 1u) == 0) continue;
      const uint32_t joint = groups[index].joints[lane];
      float *matrix = local_out + (uint64_t)joint * 16;
      sample_vector(s, &matrix[3], &matrix[7], &matrix[11], &tracks[joint * SOMA_PROPERTIES + SOMA_TRANSLATION]);
    }
  }
}

/* Joints in no group, gathered into chunks whose matrices then go to their places. */
static void sample_rest(sampler *s, const soma_pose_form *form, float *local_out, const soma_lanes *lanes) {
  const soma_track *tracks = soma_clip_at(s->clip, s->clip->tracks_offset);
  const uint32_t *joints = soma_clip_at(s->clip, lanes->rest_offset);
  for (uint32_t done = 0; done < lanes->rest_count; done += SOMA_CHUNK) {
    const uint32_t left = lanes->rest_count - done;
    const uint32_t count = left < SOMA_CHUNK ? left : SOMA_CHUNK;
    soma_pose_chunk chunk;
    for (uint32_t lane = 0; lane < count; lane++) {
      find_lane(s, &chunk, lane, tracks + (uint64_t)joints[done + lane] * SOMA_PROPERTIES);
    }
    fill_chunk(&chunk, count);
    float matrices[SOMA_CHUNK * 16];
    form->chunk(matrices, &chunk, count);
    for (uint32_t lane = 0; lane < count; lane++) {
      memcpy(local_out + (uint64_t)joints[done + lane] * 16, matrices + (uint64_t)lane * 16, 64);
    }
  }
}

static void sample_lanes(sampler *s, const soma_pose_form *form, float *local_out, const soma_lanes *lanes) {
  const interval at = find_keys(s, &lanes->timing);
  const soma_lane_keys keys = {
      .block = (const uint8_t *)s->clip,
      .groups = soma_clip_at(s->clip, lanes->groups_offset),
      .group_count = lanes->group_count,
      .blend = (float)at.blend,
      .from_bytes = (uint64_t)at.from * lanes->key_bytes,
      .to_bytes = (uint64_t)at.to * lanes->key_bytes,
  };
  form->lanes(local_out, &keys);
  sample_apart(s, local_out, keys.groups, keys.group_count);
  sample_rest(s, form, local_out, lanes);
}

static void sample_tracks(sampler *s, const soma_pose_form *form, float *local_out) {
  const soma_track *tracks = soma_clip_at(s->clip, s->clip->tracks_offset);
  for (uint32_t joint = 0; joint < s->clip->joint_count; joint += SOMA_CHUNK) {
    const uint32_t left = s->clip->joint_count - joint;
    const uint32_t count = left < SOMA_CHUNK ? left : SOMA_CHUNK;
    soma_pose_chunk chunk;
    for (uint32_t lane = 0; lane < count; lane++, tracks += SOMA_PROPERTIES) find_lane(s, &chunk, lane, tracks);
    fill_chunk(&chunk, count);
    form->chunk(local_out + (uint64_t)joint * 16, &chunk, count);
  }
}

static const soma_pose_form *pose_form(void) {
#if defined(SOMA_X86)
  const int32_t level = soma_level();
  if (level >= SOMA_LEVEL_AVX512) return &soma_pose_avx512;
  return level >= SOMA_LEVEL_AVX2 ? &soma_pose_avx2 : &soma_pose_sse2;
#elif defined(SOMA_NEON)
  return &soma_pose_neon;
#else
  return &soma_pose_portable;
#endif
}

/* The whole of soma_clip_sample with the form chosen by the caller: tests compare the forms through it. */
void soma_clip_sample_with(const soma_pose_form *form, float *local_out, const soma_clip *clip, double time_s) {
  const double held_s = time_s < clip->start_s ? clip->start_s : time_s > clip->end_s ? clip->end_s : time_s;
  const bool wraps = time_s > clip->end_s && time_s < clip->start_s + clip->wrap_s;
  sampler s = {.clip = clip, .held_s = held_s, .wrapped_s = wraps ? time_s : held_s, .last = NULL};
  if (clip->lanes_offset == 0) {
    sample_tracks(&s, form, local_out);
  } else {
    sample_lanes(&s, form, local_out, soma_clip_at(clip, clip->lanes_offset));
  }
}

int32_t soma_clip_sample(float *local_out, const void *clip, double time_s) {
  if (local_out == NULL || clip == NULL || !isfinite(time_s)) return SOMA_BAD_ARGUMENT;
  soma_clip_sample_with(pose_form(), local_out, clip, time_s);
  return SOMA_OK;
}
