/* clip_lanes.c: the part of soma_clip_validate that knows lanes: whether groups, rest and tracks describe one and the same clip. The
 * values themselves are checked with the tracks they belong to. */
#include "clip.h"

#include <stddef.h>

/* One bit a joint: whether it was met. */
typedef struct joint_set {
  uint32_t bits[SOMA_MAX_JOINTS / 32];
  uint32_t count;
} joint_set;

static bool add_joint(joint_set *set, const soma_clip *clip, uint32_t joint) {
  if (joint >= clip->joint_count || (set->bits[joint / 32] >> joint % 32 & 1u) != 0) return false;
  set->bits[joint / 32] |= 1u << joint % 32;
  set->count++;
  return true;
}

static const soma_track *track_of(const soma_clip *clip, uint32_t joint, uint32_t property) {
  const soma_track *tracks = soma_clip_at(clip, clip->tracks_offset);
  return &tracks[joint * SOMA_PROPERTIES + property];
}

static bool is_in_lanes(const soma_track *track) { return (track->flags & SOMA_TRACK_IN_LANES) != 0; }

static bool moves(const soma_lane_group *group, uint32_t property) { return (group->moving >> property & 1u) != 0; }

bool soma_are_lanes_placed(const soma_clip *clip) {
  if (!soma_is_inside(clip, clip->lanes_offset, 1, sizeof(soma_lanes), 8)) return false;
  const soma_lanes *lanes = soma_clip_at(clip, clip->lanes_offset);
  const soma_track *timing = &lanes->timing;
  if (timing->kind != SOMA_TRACK_LINEAR || timing->key_count == 0 || timing->values_offset != 0) return false;
  if ((timing->flags & ~SOMA_TRACK_WRAPS) != 0 || timing->reserved != 0 || lanes->reserved != 0) return false;
  if (lanes->key_bytes % sizeof(float) != 0 || !soma_is_timing_valid(clip, timing)) return false;
  if (lanes->group_count == 0 || lanes->group_count > clip->joint_count || lanes->rest_count > clip->joint_count) {
    return false;
  }
  if (!soma_is_inside(clip, lanes->groups_offset, lanes->group_count, sizeof(soma_lane_group), sizeof(uint32_t))) {
    return false;
  }
  return lanes->rest_count == 0 ||
         soma_is_inside(clip, lanes->rest_offset, lanes->rest_count, sizeof(uint32_t), sizeof(uint32_t));
}

/* Whole vectors are read, lanes in no use too. */
static bool is_group_placed(const soma_clip *clip, const soma_lanes *lanes, const soma_lane_group *group) {
  if (group->lane_count == 0 || group->lane_count > SOMA_LANES || group->moving >= 1u << SOMA_PROPERTIES) return false;
  if (group->apart >= 1u << group->lane_count) return false;
  if (group->apart != 0 && moves(group, SOMA_TRANSLATION)) return false;
  for (uint32_t property = 0; property < SOMA_PROPERTIES; property++) {
    const uint32_t offset = group->lanes_offset[property];
    if (property == SOMA_SCALE && offset == 0 && !moves(group, property)) continue;
    const uint64_t keys_bytes = moves(group, property) ? (uint64_t)(lanes->timing.key_count - 1) * lanes->key_bytes : 0;
    const uint64_t bytes = keys_bytes + soma_property_width(property) * SOMA_LANES * sizeof(float);
    if (!soma_is_inside(clip, offset, bytes, 1, sizeof(float))) return false;
  }
  return true;
}

/* The track of a lane is where the group reads it, or says itself what the group takes for granted. */
static bool is_lane_consistent(const soma_clip *clip, const soma_lanes *lanes, const soma_lane_group *group,
                               uint32_t lane, uint32_t property) {
  const soma_track *track = track_of(clip, group->joints[lane], property);
  if (property == SOMA_TRANSLATION && (group->apart >> lane & 1u) != 0) return !is_in_lanes(track);
  if (property == SOMA_SCALE && group->lanes_offset[property] == 0) {
    const float *values = soma_clip_at(clip, track->values_offset);
    return !is_in_lanes(track) && track->kind == SOMA_TRACK_CONSTANT && values[0] == 1.0f && values[1] == 1.0f &&
           values[2] == 1.0f;
  }
  if (!is_in_lanes(track) || track->values_offset != group->lanes_offset[property] + lane * sizeof(float)) return false;
  if (!moves(group, property)) return track->kind == SOMA_TRACK_CONSTANT;
  return track->kind == SOMA_TRACK_LINEAR && soma_has_same_times(track, &lanes->timing);
}

static bool is_group_valid(joint_set *met, const soma_clip *clip, const soma_lanes *lanes,
                           const soma_lane_group *group) {
  if (!is_group_placed(clip, lanes, group)) return false;
  for (uint32_t lane = 0; lane < group->lane_count; lane++) {
    if (lane > 0 && group->joints[lane] <= group->joints[lane - 1]) return false;
    if (!add_joint(met, clip, group->joints[lane])) return false;
    for (uint32_t property = 0; property < SOMA_PROPERTIES; property++) {
      if (!is_lane_consistent(clip, lanes, group, lane, property)) return false;
    }
  }
  return true;
}

bool soma_are_lanes_valid(const soma_clip *clip) {
  const soma_lanes *lanes = soma_clip_at(clip, clip->lanes_offset);
  const soma_lane_group *groups = soma_clip_at(clip, lanes->groups_offset);
  joint_set met = {.count = 0};
  for (uint32_t i = 0; i < lanes->group_count; i++) {
    if (!is_group_valid(&met, clip, lanes, &groups[i])) return false;
  }
  const uint32_t *rest = soma_clip_at(clip, lanes->rest_offset);
  for (uint32_t i = 0; i < lanes->rest_count; i++) {
    if (!add_joint(&met, clip, rest[i])) return false;
    for (uint32_t property = 0; property < SOMA_PROPERTIES; property++) {
      if (is_in_lanes(track_of(clip, rest[i], property))) return false;
    }
  }
  return met.count == clip->joint_count;
}
