/* fk_pose_neon.c: pose kernel for every arm64, four joints at a time. */
#include "simd.h"

#if defined(SOMA_NEON)

#include <arm_neon.h>

#define LANES 4
#define LANE_TARGET
#define LANE_FORM soma_pose_neon
#define LANE_FN SOMA_INLINE

typedef float32x4_t vec;

LANE_FN vec v_set1(float x) { return vdupq_n_f32(x); }
LANE_FN vec v_load(const float *p) { return vld1q_f32(p); }
LANE_FN void v_store(float *p, vec a) { vst1q_f32(p, a); }
LANE_FN vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
LANE_FN vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
LANE_FN vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
LANE_FN vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
LANE_FN vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
LANE_FN vec v_sqrt(vec a) { return vsqrtq_f32(a); }

LANE_FN int v_all_near_one(vec a) {
  return vminvq_u32(vcleq_f32(vabdq_f32(a, vdupq_n_f32(1.0f)), vdupq_n_f32(2e-4f))) != 0;
}

LANE_FN vec v_flip_if_negative(vec value, vec sign) {
  const uint32x4_t flip = vandq_u32(vcltq_f32(sign, vdupq_n_f32(0.0f)), vdupq_n_u32(0x80000000u));
  return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(value), flip));
}

LANE_FN void transpose(vec *r) {
  const float32x4x2_t low = vzipq_f32(r[0], r[2]), high = vzipq_f32(r[1], r[3]);
  const float32x4x2_t first = vzipq_f32(low.val[0], high.val[0]), second = vzipq_f32(low.val[1], high.val[1]);
  r[0] = first.val[0];
  r[1] = first.val[1];
  r[2] = second.val[0];
  r[3] = second.val[1];
}

LANE_FN void v_load_quaternions(vec *q, const float *const *keys) {
  for (int i = 0; i < 4; i++) q[i] = vld1q_f32(keys[i]);
  transpose(q);
}

LANE_FN void v_store_matrices(float *const *out, const vec *rows) {
  for (int row = 0; row < 3; row++) {
    vec r[4] = {rows[4 * row], rows[4 * row + 1], rows[4 * row + 2], rows[4 * row + 3]};
    transpose(r);
    for (int lane = 0; lane < LANES; lane++) vst1q_f32(out[0] + 16 * lane + 4 * row, r[lane]);
  }
  const vec last = vsetq_lane_f32(1.0f, vdupq_n_f32(0.0f), 3);
  for (int lane = 0; lane < LANES; lane++) vst1q_f32(out[0] + 16 * lane + 12, last);
}

#include "fk_pose_body.h"

#else
typedef int soma_no_neon;
#endif
