/* clip_test.c: what soma_clip_validate refuses, and that whatever it accepts is sampled without a wrong read or a NaN. */
#include "check.h"
#include "clip_maker.h"
#include "soma.h"

/* Samples everywhere that matters and looks for values that are not finite. */
static void sample_everywhere(const soma_clip *clip) {
  float *pose = exact_memory((size_t)clip->joint_count * 64);
  const double span = clip->end_s - clip->start_s + clip->wrap_s;
  const double times[] = {clip->start_s,
                          clip->end_s,
                          clip->start_s + clip->wrap_s,
                          -1e308,
                          1e308,
                          0,
                          clip->start_s + span / 3,
                          clip->end_s + clip->wrap_s / 2,
                          clip->start_s - 1e-9,
                          nextafter(clip->end_s, 1e300)};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    CHECK_EQUAL(soma_clip_sample(pose, clip, times[i]), SOMA_OK);
    int finite = 1;
    for (uint32_t k = 0; k < clip->joint_count * 16; k++) finite &= isfinite(pose[k]) != 0;
    CHECK(finite);
  }
  free(pose);
}

static soma_track *track_of(soma_clip *clip, uint32_t index) {
  return (soma_track *)(void *)((uint8_t *)clip + clip->tracks_offset) + index;
}

static float *values_of(soma_clip *clip, const soma_track *track) {
  return (float *)(void *)((uint8_t *)clip + track->values_offset);
}

/* One joint; translation linear with listed times, rotation linear and uniform, scale constant. */
static soma_clip *plain_clip(void) {
  const uint32_t tracks = 72, times = tracks + 120, translations = times + 8, rotations = translations + 24,
                 scale = rotations + 32;
  const uint64_t bytes = scale + 16;
  uint8_t *block = exact_memory(bytes);
  memset(block, 0, bytes);
  soma_clip *clip = (soma_clip *)(void *)block;
  *clip = (soma_clip){.magic = SOMA_CLIP_MAGIC,
                      .version = SOMA_CLIP_VERSION,
                      .joint_count = 1,
                      .byte_length = bytes,
                      .parents_offset = 64,
                      .tracks_offset = tracks,
                      .start_s = 0,
                      .end_s = 1,
                      .wrap_s = 2};
  memcpy(block + 64, &(int32_t){-1}, 4);
  *track_of(clip, 0) =
      (soma_track){.kind = SOMA_TRACK_LINEAR, .key_count = 2, .times_offset = times, .values_offset = translations};
  *track_of(clip, 1) = (soma_track){
      .kind = SOMA_TRACK_LINEAR, .key_count = 2, .values_offset = rotations, .step_s = 1, .flags = SOMA_TRACK_WRAPS};
  *track_of(clip, 2) = (soma_track){.kind = SOMA_TRACK_CONSTANT, .key_count = 1, .values_offset = scale};
  memcpy(block + times, (float[]){0, 1}, 8);
  memcpy(block + translations, (float[]){1, 2, 3, 3, 4, 5}, 24);
  memcpy(block + rotations, (float[]){0, 0, 0, 1, 0, 0, 1, 0}, 32);
  memcpy(block + scale, (float[]){1, 1, 1}, 12);
  return clip;
}

static void check_row(const float *row, double a, double b, double c, double d) {
  const double expected[4] = {a, b, c, d};
  for (int i = 0; i < 4; i++) CHECK_NEAR((double)row[i], expected[i], 3e-7 * fmax(1, fabs(expected[i])));
}

static void test_by_hand(void) {
  soma_clip *clip = plain_clip();
  CHECK_EQUAL(soma_clip_validate(clip, clip->byte_length), SOMA_OK);
  float pose[16];
  CHECK_EQUAL(soma_clip_sample(pose, clip, 0.5), SOMA_OK); /* half of a half turn about z */
  check_row(pose, 0, -1, 0, 2);
  check_row(pose + 4, 1, 0, 0, 3);
  check_row(pose + 8, 0, 0, 1, 4);
  check_row(pose + 12, 0, 0, 0, 1);
  CHECK_EQUAL(soma_clip_sample(pose, clip, 1.5), SOMA_OK); /* the rotation wraps, the translation is held */
  check_row(pose, 0, -1, 0, 3);
  CHECK_EQUAL(soma_clip_sample(pose, clip, 2), SOMA_OK); /* beyond the wrap: the end is held */
  check_row(pose, -1, 0, 0, 3);
  CHECK_EQUAL(soma_clip_sample(pose, clip, -5), SOMA_OK);
  check_row(pose, 1, 0, 0, 1);
  CHECK_EQUAL(soma_clip_sample(pose, clip, NAN), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_clip_sample(pose, clip, INFINITY), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_clip_sample(NULL, clip, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_clip_sample(pose, NULL, 0), SOMA_BAD_ARGUMENT);
  free(clip);
}

#define REFUSED(status, change)                           \
  do {                                                    \
    soma_clip *clip = plain_clip();                       \
    const uint64_t bytes = clip->byte_length;             \
    change;                                               \
    CHECK_EQUAL(soma_clip_validate(clip, bytes), status); \
    free(clip);                                           \
  } while (0)

static void test_header_refusals(void) {
  REFUSED(SOMA_OK, (void)0);
  REFUSED(SOMA_BAD_CLIP, clip->magic++);
  REFUSED(SOMA_BAD_CLIP, clip->version++);
  REFUSED(SOMA_BAD_CLIP, clip->flags = 1);
  REFUSED(SOMA_BAD_CLIP, clip->reserved = 1);
  REFUSED(SOMA_BAD_CLIP, clip->lanes_offset = 64);
  REFUSED(SOMA_BAD_CLIP, clip->lanes_offset = 0xfffffff8u);
  REFUSED(SOMA_BAD_CLIP, clip->joint_count = 0);
  REFUSED(SOMA_BAD_CLIP, clip->joint_count = SOMA_MAX_JOINTS + 1);
  REFUSED(SOMA_BAD_CLIP, clip->byte_length--);
  REFUSED(SOMA_BAD_CLIP, clip->byte_length++);
  REFUSED(SOMA_BAD_CLIP, clip->parents_offset = 60);
  REFUSED(SOMA_BAD_CLIP, clip->parents_offset = 65);
  REFUSED(SOMA_BAD_CLIP, clip->parents_offset = 0xfffffffcu);
  REFUSED(SOMA_BAD_CLIP, clip->tracks_offset += 4);
  REFUSED(SOMA_BAD_CLIP, clip->tracks_offset = 0xfffffff8u);
  REFUSED(SOMA_BAD_CLIP, clip->start_s = 2);
  REFUSED(SOMA_BAD_CLIP, clip->start_s = NAN);
  REFUSED(SOMA_BAD_CLIP, clip->end_s = INFINITY);
  REFUSED(SOMA_BAD_CLIP, clip->end_s = 1.1e9);
  REFUSED(SOMA_BAD_CLIP, clip->wrap_s = 0.5);
  REFUSED(SOMA_BAD_CLIP, clip->wrap_s = -1);
  REFUSED(SOMA_BAD_CLIP, clip->wrap_s = NAN);
  REFUSED(SOMA_BAD_PARENT, memcpy((uint8_t *)clip + 64, &(int32_t){0}, 4));
  REFUSED(SOMA_BAD_PARENT, memcpy((uint8_t *)clip + 64, &(int32_t){-2}, 4));
  soma_clip *clip = plain_clip();
  CHECK_EQUAL(soma_clip_validate(NULL, 64), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_clip_validate((uint8_t *)clip + 4, 64), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_clip_validate(clip, 63), SOMA_BAD_CLIP);
  CHECK_EQUAL(soma_clip_validate(clip, 0), SOMA_BAD_CLIP);
  free(clip);
}

static void test_track_refusals(void) {
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->kind = 4);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->key_count = 0);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->key_count = 0xffffffffu);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 2)->key_count = 2);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->values_offset += 2);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 2)->values_offset += 8);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->values_offset = 0);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->times_offset = 4);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->times_offset = 0xfffffffcu);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 0)->flags = SOMA_TRACK_WRAPS);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->flags = SOMA_TRACK_IN_LANES); /* of a clip without lanes */
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->flags = 4);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 2)->flags = SOMA_TRACK_WRAPS);
  REFUSED(SOMA_BAD_CLIP, clip->wrap_s = 0); /* while a track wraps */
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->reserved = 1);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->step_s = 0);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->step_s = -1);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->step_s = NAN);
  REFUSED(SOMA_BAD_CLIP, track_of(clip, 1)->start_s = INFINITY);
  REFUSED(SOMA_BAD_CLIP, ((float *)(void *)((uint8_t *)clip + track_of(clip, 0)->times_offset))[1] = 0);
  REFUSED(SOMA_BAD_CLIP, ((float *)(void *)((uint8_t *)clip + track_of(clip, 0)->times_offset))[0] = NAN);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 0))[5] = NAN);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 0))[0] = 1.1e18f);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 2))[2] = -INFINITY);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 1))[3] = 0);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 1))[3] = 0.9e-6f);
  REFUSED(SOMA_BAD_CLIP, values_of(clip, track_of(clip, 1))[3] = 1.1e6f);
  REFUSED(SOMA_OK, values_of(clip, track_of(clip, 1))[3] = 1.1e-6f);
  REFUSED(SOMA_OK, values_of(clip, track_of(clip, 1))[3] = 0.9e6f);
}

static soma_lanes *lanes_of(soma_clip *clip) { return (soma_lanes *)(void *)((uint8_t *)clip + clip->lanes_offset); }

/* A large vector, or a rotation about an axis, at a random key. */
static void stretch_lane(soma_clip *clip, const soma_track *track, uint32_t property, float large) {
  float *values = values_of(clip, track) + (uint64_t)random_below(track->key_count) * (lanes_of(clip)->key_bytes / 4);
  if (property != 1) {
    values[random_below(3) * 8] = large;
    return;
  }
  for (uint32_t i = 0; i < 4; i++) values[i * 8] = 0;
  values[random_below(4) * 8] = large < 0 ? -1.0f : 1.0f;
}

/* The extremes that validation grants, in every place at once. */
static void test_extremes(void) {
  const float large[] = {1e18f, -1e18f, 1e6f, -1e6f, 1e-38f, 0};
  for (int round = 0; round < 2000; round++) {
    soma_clip *clip = make_clip(1 + random_below(20));
    for (uint32_t i = 0; i < clip->joint_count * 3; i++) {
      const soma_track *track = track_of(clip, i);
      const uint32_t width = i % 3 == 1 ? 4 : 3;
      if ((track->flags & SOMA_TRACK_IN_LANES) != 0) {
        stretch_lane(clip, track, i % 3, large[random_below(6)]);
        continue;
      }
      /* Scales that lanes take for granted. */
      if (i % 3 == 2 && (track_of(clip, i - 1)->flags & SOMA_TRACK_IN_LANES) != 0) continue;
      const uint32_t count = track->key_count * width * (track->kind == SOMA_TRACK_CUBIC ? 3 : 1);
      for (uint32_t k = 0; k < count; k++) {
        const int is_rotation_key = i % 3 == 1 && (track->kind != SOMA_TRACK_CUBIC || k / 4 % 3 == 1);
        if (!is_rotation_key) values_of(clip, track)[k] = large[random_below(6)];
        if (is_rotation_key && k % 4 == 0) {
          const float length = random_below(2) == 0 ? 1.01e-6f : 9.9e5f;
          for (uint32_t c = 0; c < 4; c++) values_of(clip, track)[k + c] = 0;
          values_of(clip, track)[k + random_below(4)] = random_below(2) == 0 ? length : -length;
        }
      }
    }
    CHECK_EQUAL(soma_clip_validate(clip, clip->byte_length), SOMA_OK);
    sample_everywhere(clip);
    free(clip);
  }
}

static soma_lane_group *groups_of(soma_clip *clip) {
  return (soma_lane_group *)(void *)((uint8_t *)clip + lanes_of(clip)->groups_offset);
}

/* Each change alone makes a random clip with lanes inconsistent; changes that may not apply to a clip answer 0. */
static int apply_change(soma_clip *clip, uint32_t change) {
  soma_lanes *lanes = lanes_of(clip);
  soma_lane_group *group = &groups_of(clip)[random_below(lanes->group_count)];
  const uint32_t lane = random_below(group->lane_count), joint = group->joints[lane];
  soma_track *rotation = track_of(clip, joint * 3 + 1), *scale = track_of(clip, joint * 3 + 2);
  switch (change) {
    case 0:
      lanes->timing.kind = SOMA_TRACK_STEP;
      return 1;
    case 1:
      lanes->timing.key_count = 0;
      return 1;
    case 2:
      lanes->timing.flags |= SOMA_TRACK_IN_LANES;
      return 1;
    case 3:
      lanes->timing.values_offset = 64;
      return 1;
    case 4:
      lanes->timing.reserved = 1;
      return 1;
    case 5:
      lanes->reserved = 1;
      return 1;
    case 6:
      lanes->key_bytes += 2;
      return 1;
    case 7:
      lanes->group_count = 0;
      return 1;
    case 8:
      lanes->group_count = clip->joint_count + 1;
      return 1;
    case 9:
      lanes->group_count--;
      return 1; /* joints are missing, or there are none */
    case 10:
      lanes->groups_offset += 2;
      return 1;
    case 11:
      lanes->groups_offset = 0xfffffffcu;
      return 1;
    case 12:
      lanes->rest_count++;
      return 1; /* one that is met already, or no joint */
    case 13:
      lanes->rest_offset = 0xfffffffcu;
      return lanes->rest_count > 0;
    case 14:
      group->joints[lane] = clip->joint_count;
      return 1;
    case 15:
      group->joints[lane] = 0;
      return joint != 0;
    case 16:
      group->lane_count = 0;
      return 1;
    case 17:
      group->lane_count = 9;
      return 1;
    case 18:
      group->lane_count--;
      return 1;
    case 19:
      group->moving ^= 2;
      return 1;
    case 20:
      group->moving |= 8;
      return 1;
    case 21:
      group->apart |= 1u << group->lane_count;
      return 1;
    case 22:
      group->apart ^= 1u << lane;
      return 1;
    case 23:
      group->lanes_offset[1] += 4;
      return 1;
    case 24:
      group->lanes_offset[0] = 0xfffffffcu;
      return 1;
    case 25:
      group->lanes_offset[0] = 0;
      return 1;
    case 26:
      group->lanes_offset[1] = 0;
      return 1;
    case 27:
      group->lanes_offset[2] = group->lanes_offset[2] == 0 ? group->lanes_offset[1] : 0;
      return 1;
    case 28:
      rotation->flags &= ~SOMA_TRACK_IN_LANES;
      return 1;
    case 29:
      rotation->values_offset += 4;
      return 1;
    case 30:
      rotation->kind = SOMA_TRACK_STEP;
      return 1;
    case 31:
      rotation->step_s = rotation->step_s + 1;
      return rotation->kind == SOMA_TRACK_LINEAR;
    case 32:
      rotation->key_count++;
      return 1;
    case 33:
      values_of(clip, rotation)[8] = 2;
      return 1;
    case 34:
      values_of(clip, rotation)[24] = NAN;
      return 1;
    case 35:
      values_of(clip, scale)[0] = 1.1e18f;
      return 1;
    case 36:
      values_of(clip, scale)[0] = 2;
      return group->lanes_offset[2] == 0;
    case 37:
      clip->lanes_offset = 0;
      return 1;
    case 38:
      clip->lanes_offset += 4;
      return 1;
    default:
      return 0;
  }
}

static void test_lane_refusals(void) {
  for (uint32_t change = 0; change < 39; change++) {
    uint32_t applied = 0;
    for (int round = 0; round < 200; round++) {
      soma_clip *clip = make_clip(1 + random_below(30));
      CHECK_EQUAL(soma_clip_validate(clip, clip->byte_length), SOMA_OK);
      if (clip->lanes_offset != 0 && apply_change(clip, change)) {
        applied++;
        const int32_t status = soma_clip_validate(clip, clip->byte_length);
        if (status != SOMA_BAD_CLIP) fprintf(stderr, "change %u\n", change);
        CHECK_EQUAL(status, SOMA_BAD_CLIP);
      }
      free(clip);
    }
    CHECK(applied > 10);
  }
}

/* A copy in memory of exactly `bytes`, damaged; if it still passes it must also be safe to sample. */
static unsigned long accepted, refused;

static void try_damaged(const soma_clip *clip, uint64_t bytes, int keep_length) {
  uint8_t *damaged = exact_memory(bytes == 0 ? 1 : bytes);
  memcpy(damaged, clip, bytes);
  const uint32_t edits = 1 + random_below(3);
  for (uint32_t i = 0; bytes > 0 && i < edits; i++) {
    const uint64_t at = random_below((uint32_t)bytes);
    const uint32_t how = random_below(4);
    if (how == 0) damaged[at] ^= (uint8_t)(1u << random_below(8));
    if (how == 1) damaged[at] = (uint8_t)random_u32();
    if (how == 2) memset(damaged + at, 0xff, bytes - at < 8 ? bytes - at : 8);
    if (how == 3 && bytes >= 8) {
      memmove(damaged + random_below((uint32_t)bytes - 7), damaged + random_below((uint32_t)bytes - 7), 8);
    }
  }
  if (keep_length && bytes >= 24) memcpy(damaged + 16, &bytes, 8);
  if (soma_clip_validate(damaged, bytes) == SOMA_OK) {
    accepted++;
    sample_everywhere((const soma_clip *)(void *)damaged);
  } else {
    refused++;
  }
  free(damaged);
}

static void test_damage(void) {
  for (int round = 0; round < 20000; round++) {
    soma_clip *clip = make_clip(1 + random_below(12));
    const uint64_t bytes = random_below(4) == 0 ? random_below((uint32_t)clip->byte_length) : clip->byte_length;
    try_damaged(clip, bytes, round % 2);
    free(clip);
  }
  printf("clip: damaged blocks: %lu accepted, %lu refused\n", accepted, refused);
  CHECK(accepted > 1000);
  CHECK(refused > 1000);
}

int main(void) {
  test_by_hand();
  test_header_refusals();
  test_track_refusals();
  test_lane_refusals();
  test_extremes();
  test_damage();
  return check_report("clip");
}
