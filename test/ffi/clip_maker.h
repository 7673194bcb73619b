/* clip_maker.h: random valid clip blocks for the C tests, with every kind of track, shared values and uneven keys. */
#ifndef SOMA_CLIP_MAKER_H
#define SOMA_CLIP_MAKER_H

#include "check.h"
#include "soma.h"

typedef struct maker {
  uint8_t *block;
  uint64_t used;
  uint64_t capacity;
} maker;

static inline uint32_t make_room(maker *m, uint64_t bytes) {
  const uint32_t offset = (uint32_t)m->used;
  m->used += bytes;
  if (m->used > m->capacity) abort();
  return offset;
}

static inline void put_f32(maker *m, uint64_t offset, double value) {
  const float narrow = (float)value;
  memcpy(m->block + offset, &narrow, sizeof narrow);
}

static inline void put_rotation(maker *m, uint64_t offset, double length) {
  double q[4], square = 0;
  do {
    square = 0;
    for (int i = 0; i < 4; i++) {
      q[i] = random_between(-1, 1);
      square += q[i] * q[i];
    }
  } while (square < 0.01 || square > 1);
  for (int i = 0; i < 4; i++) put_f32(m, offset + (uint64_t)i * 4, q[i] / sqrt(square) * length);
}

static inline void make_track(maker *m, uint32_t tracks_offset, uint32_t index, int wraps) {
  const uint32_t property = index % 3, width = property == 1 ? 4 : 3;
  soma_track track = {.kind = random_below(4)};
  track.key_count = track.kind == SOMA_TRACK_CONSTANT ? 1 : 1 + random_below(6);
  if (track.kind != SOMA_TRACK_CONSTANT && random_below(2) == 0) {
    track.times_offset = make_room(m, track.key_count * 4);
    double time = random_between(-1, 1);
    for (uint32_t i = 0; i < track.key_count; i++) {
      put_f32(m, track.times_offset + i * 4, time);
      time += random_between(0.01, 0.5);
    }
  } else if (track.kind != SOMA_TRACK_CONSTANT) {
    track.start_s = random_below(2) == 0 ? 0 : random_between(-1, 1);
    track.step_s = random_between(0.01, 0.5);
    track.flags = wraps && random_below(2) == 0 ? SOMA_TRACK_WRAPS : 0;
  }
  const uint32_t per_key = track.kind == SOMA_TRACK_CUBIC ? 3 * width : width;
  track.values_offset = make_room(m, (uint64_t)track.key_count * per_key * 4);
  for (uint32_t key = 0; key < track.key_count; key++) {
    const uint64_t at = track.values_offset + (uint64_t)key * per_key * 4;
    for (uint32_t i = 0; i < per_key; i++) put_f32(m, at + i * 4, random_between(-3, 3));
    if (property == 1) {
      const double length = random_below(3) == 0 ? random_between(0.5, 2) : 1;
      put_rotation(m, at + (track.kind == SOMA_TRACK_CUBIC ? 16 : 0), length);
    }
  }
  memcpy(m->block + tracks_offset + index * sizeof track, &track, sizeof track);
}

/* A block of its own size, to be freed; the size is in its header. */
static inline soma_clip *make_clip(uint32_t joints) {
  maker m = {.capacity = 256 + (uint64_t)joints * 4096};
  m.block = exact_memory(m.capacity);
  memset(m.block, 0, m.capacity);
  soma_clip clip = {.magic = SOMA_CLIP_MAGIC, .version = SOMA_CLIP_VERSION, .joint_count = joints};
  make_room(&m, sizeof clip);
  clip.start_s = random_between(-0.5, 0);
  clip.end_s = clip.start_s + random_between(0, 2);
  const int wraps = random_below(2) == 0;
  clip.wrap_s = wraps ? clip.end_s - clip.start_s + random_between(0.01, 0.5) : 0;
  clip.parents_offset = make_room(&m, (joints + joints % 2) * 4);
  for (uint32_t joint = 0; joint < joints; joint++) {
    const int32_t parent = (int32_t)random_below(joint + 1) - 1;
    memcpy(m.block + clip.parents_offset + joint * 4, &parent, sizeof parent);
  }
  clip.tracks_offset = make_room(&m, joints * 3 * sizeof(soma_track));
  for (uint32_t i = 0; i < joints * 3; i++) make_track(&m, clip.tracks_offset, i, wraps);
  m.used = (m.used + 7) / 8 * 8;
  clip.byte_length = m.used;
  memcpy(m.block, &clip, sizeof clip);
  uint8_t *exact = exact_memory(m.used);
  memcpy(exact, m.block, m.used);
  free(m.block);
  return (soma_clip *)(void *)exact;
}

#endif
