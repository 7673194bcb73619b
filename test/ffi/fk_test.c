/* fk_test.c: the SIMD forms of sampling and of global matrices against one another, matrix conversion against a slow reference. */
#include "fk.h"

#include "check.h"
#include "clip_maker.h"
#include "simd.h"

typedef struct pose_form {
  const char *name;
  const soma_pose_form *form;
} pose_form;

typedef struct global_form {
  const char *name;
  soma_global_kernel *kernel;
} global_form;

/* Those that this machine runs, the portable form first. */
static uint32_t pose_forms(pose_form *out) {
  uint32_t count = 0;
  out[count++] = (pose_form){"portable", &soma_pose_portable};
#if defined(SOMA_X86)
  out[count++] = (pose_form){"sse2", &soma_pose_sse2};
  if (soma_level() >= SOMA_LEVEL_AVX2) out[count++] = (pose_form){"avx2", &soma_pose_avx2};
  if (soma_level() >= SOMA_LEVEL_AVX512) out[count++] = (pose_form){"avx512", &soma_pose_avx512};
#elif defined(SOMA_NEON)
  out[count++] = (pose_form){"neon", &soma_pose_neon};
#endif
  return count;
}

static uint32_t global_forms(global_form *out) {
  uint32_t count = 0;
  out[count++] = (global_form){"portable", soma_global_portable};
#if defined(SOMA_X86)
  out[count++] = (global_form){"sse2", soma_global_sse2};
  if (soma_level() >= SOMA_LEVEL_AVX2) out[count++] = (global_form){"avx2", soma_global_avx2};
#elif defined(SOMA_NEON)
  out[count++] = (global_form){"neon", soma_global_neon};
#endif
  return count;
}

static double largest(const float *values, uint32_t count) {
  double result = 0;
  for (uint32_t i = 0; i < count; i++) result = fmax(result, fabs((double)values[i]));
  return result;
}

/* 1e-6 of the largest element: the agreement that soma.h promises. */
static void check_alike(const float *actual, const float *expected, uint32_t count) {
  const double tolerance = 1e-6 * fmax(1, largest(expected, count));
  for (uint32_t i = 0; i < count; i++) CHECK_NEAR((double)actual[i], (double)expected[i], tolerance);
}

static void test_pose_forms(uint32_t joints) {
  soma_clip *clip = make_clip(joints);
  CHECK_EQUAL(soma_clip_validate(clip, clip->byte_length), SOMA_OK);
  float *expected = exact_memory(joints * 64), *actual = exact_memory(joints * 64);
  pose_form forms[4];
  const uint32_t count = pose_forms(forms);
  for (int i = 0; i < 20; i++) {
    const double time_s = random_between(-2, 4);
    soma_clip_sample_with(forms[0].form, expected, clip, time_s);
    for (uint32_t form = 1; form < count; form++) {
      memset(actual, 0xff, joints * 64);
      soma_clip_sample_with(forms[form].form, actual, clip, time_s);
      check_alike(actual, expected, joints * 16);
    }
    CHECK_EQUAL(soma_clip_sample(actual, clip, time_s), SOMA_OK);
    check_alike(actual, expected, joints * 16);
  }
  free(actual);
  free(expected);
  free(clip);
}

/* Eight joints in lanes, one step apart: angle i·π/64 … between two keys; the rotation is about z, so the matrix is the angle. */
static void test_lane_slerp(double angle) {
  enum { TRACKS = 72 + 24, LANES_AT = TRACKS + 24 * 40, GROUP_AT = LANES_AT + 64, STILL_AT = GROUP_AT + 56 };
  enum { KEYS_AT = STILL_AT + 192, BYTES = KEYS_AT + 256 };
  uint8_t *block = exact_memory(BYTES);
  memset(block, 0, BYTES);
  const soma_clip clip = {.magic = SOMA_CLIP_MAGIC,
                          .version = SOMA_CLIP_VERSION,
                          .joint_count = 8,
                          .byte_length = BYTES,
                          .parents_offset = 64,
                          .tracks_offset = TRACKS,
                          .end_s = 1,
                          .lanes_offset = LANES_AT};
  const soma_track timing = {.kind = SOMA_TRACK_LINEAR, .key_count = 2, .step_s = 1};
  const soma_lanes lanes = {.timing = timing, .key_bytes = 128, .group_count = 1, .groups_offset = GROUP_AT};
  soma_lane_group group = {.lane_count = 8, .moving = 2, .lanes_offset = {STILL_AT, KEYS_AT, STILL_AT + 96}};
  double angles[8];
  for (uint32_t joint = 0; joint < 8; joint++) {
    group.joints[joint] = joint;
    memcpy(block + 64 + joint * 4, &(int32_t){-1}, 4);
    angles[joint] = angle + joint * 0.003;
    const float keys[8] = {0, 0, 0, 1, 0, 0, (float)sin(angles[joint] / 2), (float)cos(angles[joint] / 2)};
    for (uint32_t i = 0; i < 8; i++) memcpy(block + KEYS_AT + i * 32 + joint * 4, &keys[i], 4);
    for (uint32_t i = 0; i < 3; i++) memcpy(block + STILL_AT + 96 + i * 32 + joint * 4, &(float){1}, 4);
    for (uint32_t property = 0; property < 3; property++) {
      soma_track track = {.kind = SOMA_TRACK_CONSTANT, .key_count = 1};
      if (property == 1) track = timing;
      track.values_offset = group.lanes_offset[property] + joint * 4;
      track.flags = SOMA_TRACK_IN_LANES;
      memcpy(block + TRACKS + (joint * 3 + property) * 40, &track, sizeof track);
    }
  }
  memcpy(block, &clip, sizeof clip);
  memcpy(block + LANES_AT, &lanes, sizeof lanes);
  memcpy(block + GROUP_AT, &group, sizeof group);
  const soma_clip *made = (const soma_clip *)(const void *)block;
  CHECK_EQUAL(soma_clip_validate(made, BYTES), SOMA_OK);
  pose_form forms[4];
  const uint32_t count = pose_forms(forms);
  float pose[8 * 16];
  for (uint32_t form = 0; form < count; form++) {
    for (int step = 0; step <= 32; step++) {
      soma_clip_sample_with(forms[form].form, pose, made, step / 32.0);
      for (uint32_t joint = 0; joint < 8; joint++) {
        const double shorter = angles[joint] > 3.14159265358979 ? angles[joint] - 6.28318530717959 : angles[joint];
        const double turn = shorter * step / 32.0;
        CHECK_NEAR((double)pose[joint * 16], cos(turn), 4e-7);
        CHECK_NEAR((double)pose[joint * 16 + 4], sin(turn), 4e-7);
        CHECK_NEAR((double)pose[joint * 16 + 10], 1, 4e-7);
      }
    }
  }
  free(block);
}

static void test_global_forms(uint32_t joints, int in_place) {
  soma_clip *clip = make_clip(joints);
  const int32_t *parents = (const int32_t *)(const void *)((const uint8_t *)clip + clip->parents_offset);
  float *local = exact_memory(joints * 64), *expected = exact_memory(joints * 64), *actual = exact_memory(joints * 64);
  CHECK_EQUAL(soma_clip_sample(local, clip, 0.1), SOMA_OK);
  for (uint32_t i = 0; i < joints * 16; i++) {
    if (i % 16 < 12 && i % 4 < 3) local[i] *= 0.5f; /* random scales would multiply up beyond any tolerance */
  }
  global_form forms[4];
  const uint32_t count = global_forms(forms);
  CHECK_EQUAL(forms[0].kernel(expected, local, parents, joints), SOMA_OK);
  for (uint32_t form = 0; form < count; form++) {
    memcpy(actual, local, joints * 64);
    CHECK_EQUAL(forms[form].kernel(actual, in_place ? actual : local, parents, joints), SOMA_OK);
    for (uint32_t joint = 0; joint < joints; joint++) check_alike(actual + joint * 16, expected + joint * 16, 16);
  }
  free(actual);
  free(expected);
  free(local);
  free(clip);
}

static void test_global_by_hand(void) {
  /* A quarter turn about z with an offset, twice: the second offset is turned by the first. */
  const float turn[16] = {0, -1, 0, 2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  const float twice[16] = {-1, 0, 0, 2, 0, -1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 1};
  float local[32], global[32];
  memcpy(local, turn, sizeof turn);
  memcpy(local + 16, turn, sizeof turn);
  const int32_t parents[2] = {-1, 0};
  CHECK_EQUAL(soma_fk_global(global, local, parents, 2), SOMA_OK);
  for (int i = 0; i < 16; i++) CHECK_NEAR((double)global[i], (double)turn[i], 0);
  for (int i = 0; i < 16; i++) CHECK_NEAR((double)global[16 + i], (double)twice[i], 0);
}

static void test_global_refusals(void) {
  float local[32] = {0}, global[32];
  const int32_t self[2] = {-1, 1}, later[2] = {1, -1}, unknown[2] = {-1, -2}, good[2] = {-1, 0};
  global_form forms[4];
  const uint32_t count = global_forms(forms);
  for (uint32_t form = 0; form < count; form++) {
    CHECK_EQUAL(forms[form].kernel(global, local, self, 2), SOMA_BAD_PARENT);
    CHECK_EQUAL(forms[form].kernel(global, local, later, 2), SOMA_BAD_PARENT);
    CHECK_EQUAL(forms[form].kernel(global, local, unknown, 2), SOMA_BAD_PARENT);
  }
  CHECK_EQUAL(soma_fk_global(global, local, good, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_fk_global(global, local, good, SOMA_MAX_JOINTS + 1), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_fk_global(NULL, local, good, 2), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_fk_global(global, NULL, good, 2), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_fk_global(global, local, NULL, 2), SOMA_BAD_ARGUMENT);
}

/* The nearest half by search among all of them, ties to the even one. Slow and obvious. */
static double half_value(uint32_t half) {
  const int exponent = (int)(half >> 10 & 31);
  const double mantissa = half & 1023;
  return exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
}

static uint32_t nearest_half(double magnitude) {
  if (magnitude >= 65520) return 0x7c00; /* halfway to 2^16 and beyond */
  uint32_t low = 0, high = 0x7bff;
  while (low < high) {
    const uint32_t middle = (low + high + 1) / 2;
    if (half_value(middle) <= magnitude) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  if (low == 0x7bff) return low;
  const double below = magnitude - half_value(low), above = half_value(low + 1) - magnitude;
  return below < above || (below == above && low % 2 == 0) ? low : low + 1;
}

static void test_halves(void) {
  float pose[16];
  uint16_t halves[16];
  for (int round = 0; round < 20000; round++) {
    for (int i = 0; i < 16; i++) {
      if (round % 4 == 0) {
        pose[i] = (float)(half_value(random_below(0x7bff)) + half_value(random_below(0x7bff))) / 2; /* many ties */
      } else {
        pose[i] = (float)ldexp(random_between(-1, 1), (int)random_below(48) - 30);
      }
    }
    CHECK_EQUAL(soma_pose_convert(halves, pose, 1, SOMA_F16, SOMA_ROW_MAJOR), SOMA_OK);
    for (int i = 0; i < 16; i++) {
      const uint32_t sign = signbit(pose[i]) ? 0x8000 : 0;
      CHECK_EQUAL(halves[i], sign | nearest_half(fabs((double)pose[i])));
    }
  }
  const float special[16] = {INFINITY, -INFINITY, NAN, 65504, 65519.996f, 65520, -0.0f, 0};
  CHECK_EQUAL(soma_pose_convert(halves, special, 1, SOMA_F16, SOMA_ROW_MAJOR), SOMA_OK);
  const uint16_t expected[8] = {0x7c00, 0xfc00, 0x7e00, 0x7bff, 0x7bff, 0x7c00, 0x8000, 0};
  for (int i = 0; i < 8; i++) CHECK_EQUAL(halves[i] & (i == 2 ? 0x7fff : 0xffff), expected[i]);
}

static void test_orders(void) {
  float pose[48], narrow[48];
  double wide[48];
  for (int i = 0; i < 48; i++) pose[i] = (float)random_between(-9, 9);
  CHECK_EQUAL(soma_pose_convert(wide, pose, 3, SOMA_F64, SOMA_COLUMN_MAJOR), SOMA_OK);
  CHECK_EQUAL(soma_pose_convert(narrow, pose, 3, SOMA_F32, SOMA_ROW_MAJOR), SOMA_OK);
  for (int m = 0; m < 3; m++) {
    for (int row = 0; row < 4; row++) {
      for (int column = 0; column < 4; column++) {
        CHECK_NEAR(wide[m * 16 + column * 4 + row], (double)pose[m * 16 + row * 4 + column], 0);
        CHECK_NEAR((double)narrow[m * 16 + row * 4 + column], (double)pose[m * 16 + row * 4 + column], 0);
      }
    }
  }
  CHECK_EQUAL(soma_pose_convert(wide, pose, 3, 3, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_pose_convert(wide, pose, 3, 0, 2), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_pose_convert(wide, pose, 0, 0, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_pose_convert(NULL, pose, 1, 0, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_pose_convert(wide, NULL, 1, 0, 0), SOMA_BAD_ARGUMENT);
}

static void test_abi(void) {
  uint32_t table[16];
  CHECK_EQUAL(soma_abi(table, 16), 11);
  CHECK_EQUAL(table[0], SOMA_ABI_VERSION);
  CHECK_EQUAL(table[1], sizeof(soma_clip));
  CHECK_EQUAL(table[3], sizeof(soma_lanes));
  CHECK_EQUAL(table[4], sizeof(soma_lane_group));
  CHECK_EQUAL(table[10], sizeof(soma_process_plan));
  CHECK_EQUAL(soma_abi(table, 10), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_abi(NULL, 16), SOMA_BAD_ARGUMENT);
  CHECK(soma_simd_level() >= 0 && soma_simd_level() <= 3);
}

int main(void) {
  for (uint32_t joints = 1; joints <= 70; joints++) {
    test_pose_forms(joints);
    test_global_forms(joints, 0);
    test_global_forms(joints, 1);
  }
  test_pose_forms(513);
  /* From close keys to half a turn, and round the longer way. */
  for (double angle = 0; angle < 6.25; angle += 0.0173) test_lane_slerp(angle);
  for (double angle = 1e-9; angle < 0.1; angle *= 3) test_lane_slerp(angle);
  test_global_by_hand();
  test_global_refusals();
  test_halves();
  test_orders();
  test_abi();
  return check_report("fk");
}
