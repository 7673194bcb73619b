/* clip_maker.h: random valid clip blocks for the C tests, with every kind of track, uneven keys, and lanes in half of them. */
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

static inline float *floats_at(const maker *m, uint64_t offset) { return (float *)(void *)(m->block + offset); }

/* One value of a lane. */
static inline void put_lane_value(const maker *m, uint64_t offset, uint32_t property) {
  maker one = {.capacity = 16};
  uint8_t value[16];
  one.block = value;
  for (uint32_t i = 0; i < 3; i++) put_f32(&one, i * 4, random_between(-3, 3));
  if (property == 1) put_rotation(&one, 0, 1);
  for (uint32_t i = 0; i < (property == 1 ? 4u : 3u); i++) memcpy(m->block + offset + i * 32, value + i * 4, 4);
}

static inline soma_track make_lane_track(const maker *m, const soma_lanes *lanes, const soma_lane_group *group,
                                         uint32_t lane, uint32_t property) {
  soma_track track = {.kind = SOMA_TRACK_CONSTANT, .key_count = 1};
  if ((group->moving >> property & 1u) != 0) track = lanes->timing;
  track.values_offset = group->lanes_offset[property] + lane * 4;
  track.flags |= SOMA_TRACK_IN_LANES;
  for (uint32_t key = 0; key < track.key_count; key++) {
    put_lane_value(m, track.values_offset + (uint64_t)key * lanes->key_bytes, property);
  }
  return track;
}

/* Joints of groups and rest: long runs in some clips, gaps in others. */
static inline void choose_groups(soma_lanes *lanes, soma_lane_group *groups, uint32_t *rest, uint32_t joints) {
  const uint32_t gaps = random_below(3);
  uint32_t room = 0;
  for (uint32_t joint = 0; joint < joints; joint++) {
    if (joint > 0 && random_below(8) < gaps) {
      rest[lanes->rest_count++] = joint;
      continue;
    }
    if (room == 0) {
      soma_lane_group *group = &groups[lanes->group_count++];
      *group = (soma_lane_group){.moving = random_below(8)};
      room = random_below(3) == 0 ? 1 + random_below(8) : 8;
    }
    soma_lane_group *group = &groups[lanes->group_count - 1];
    if ((group->moving & 1u) == 0 && random_below(4) == 0) group->apart |= 1u << group->lane_count;
    group->joints[group->lane_count++] = joint;
    room--;
  }
}

static inline void place_groups(maker *m, soma_lanes *lanes, soma_lane_group *groups) {
  const uint32_t bytes[3] = {96, 128, 96};
  for (uint32_t i = 0; i < lanes->group_count; i++) {
    for (uint32_t property = 0; property < 3; property++) {
      if ((groups[i].moving >> property & 1u) != 0) {
        groups[i].lanes_offset[property] = lanes->key_bytes;
        lanes->key_bytes += bytes[property];
      } else if (property != 2 || random_below(2) == 0) {
        groups[i].lanes_offset[property] = make_room(m, bytes[property]);
        memset(m->block + groups[i].lanes_offset[property], 0xff,
               bytes[property]); /* not a number, where nothing is put */
      }
    }
  }
  const uint64_t keys_bytes = (uint64_t)lanes->key_bytes * lanes->timing.key_count;
  const uint32_t keys = make_room(m, keys_bytes);
  memset(m->block + keys, 0xff, keys_bytes);
  for (uint32_t i = 0; i < lanes->group_count; i++) {
    for (uint32_t property = 0; property < 3; property++) {
      if ((groups[i].moving >> property & 1u) != 0) groups[i].lanes_offset[property] += keys;
    }
  }
}

static inline void make_lanes(maker *m, soma_clip *clip, int wraps) {
  const uint32_t joints = clip->joint_count;
  soma_lanes lanes = {.timing = {.kind = SOMA_TRACK_LINEAR, .key_count = 1 + random_below(6)}};
  if (random_below(3) == 0) {
    lanes.timing.times_offset = make_room(m, lanes.timing.key_count * 4);
    for (uint32_t i = 0; i < lanes.timing.key_count; i++) {
      put_f32(m, lanes.timing.times_offset + i * 4, 0.3 * i + random_between(0, 0.2));
    }
  } else {
    lanes.timing.start_s = random_between(-1, 1);
    lanes.timing.step_s = random_between(0.01, 0.5);
    lanes.timing.flags = wraps && random_below(3) > 0 ? SOMA_TRACK_WRAPS : 0;
  }
  soma_lane_group *groups = exact_memory(joints * sizeof *groups);
  uint32_t *rest = exact_memory(joints * sizeof *rest);
  choose_groups(&lanes, groups, rest, joints);
  place_groups(m, &lanes, groups);
  soma_track *tracks = (soma_track *)(void *)(m->block + clip->tracks_offset);
  for (uint32_t i = 0; i < lanes.group_count; i++) {
    const soma_lane_group *group = &groups[i];
    for (uint32_t lane = 0; lane < group->lane_count; lane++) {
      for (uint32_t property = 0; property < 3; property++) {
        const uint32_t index = group->joints[lane] * 3 + property;
        if (property == 0 && (group->apart >> lane & 1u) != 0) {
          make_track(m, clip->tracks_offset, index, wraps);
        } else if (group->lanes_offset[property] == 0) {
          tracks[index] = (soma_track){.key_count = 1, .values_offset = make_room(m, 12)};
          for (int k = 0; k < 3; k++) floats_at(m, tracks[index].values_offset)[k] = 1;
        } else {
          tracks[index] = make_lane_track(m, &lanes, group, lane, property);
        }
      }
    }
  }
  for (uint32_t i = 0; i < lanes.rest_count * 3; i++) {
    make_track(m, clip->tracks_offset, rest[i / 3] * 3 + i % 3, wraps);
  }
  lanes.groups_offset = make_room(m, lanes.group_count * sizeof *groups);
  memcpy(m->block + lanes.groups_offset, groups, lanes.group_count * sizeof *groups);
  lanes.rest_offset = make_room(m, lanes.rest_count * 4);
  memcpy(m->block + lanes.rest_offset, rest, lanes.rest_count * 4);
  m->used = (m->used + 7) / 8 * 8;
  clip->lanes_offset = make_room(m, sizeof lanes);
  memcpy(m->block + clip->lanes_offset, &lanes, sizeof lanes);
  free(groups);
  free(rest);
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
  if (random_below(2) == 0) {
    make_lanes(&m, &clip, wraps);
  } else {
    for (uint32_t i = 0; i < joints * 3; i++) make_track(&m, clip.tracks_offset, i, wraps);
  }
  m.used = (m.used + 7) / 8 * 8;
  clip.byte_length = m.used;
  memcpy(m.block, &clip, sizeof clip);
  uint8_t *exact = exact_memory(m.used);
  memcpy(exact, m.block, m.used);
  free(m.block);
  return (soma_clip *)(void *)exact;
}

#endif
