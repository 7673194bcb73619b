/* fk_pose_portable.c: pose kernel in plain C, one joint at a time. */
#include "simd.h"

#include <math.h>

#define LANES 1
#define LANE_TARGET
#define LANE_FORM soma_pose_portable
#define LANE_FN SOMA_INLINE

typedef float vec;

LANE_FN vec v_set1(float x) { return x; }
LANE_FN vec v_load(const float *p) { return *p; }
LANE_FN void v_store(float *p, vec a) { *p = a; }
LANE_FN vec v_add(vec a, vec b) { return a + b; }
LANE_FN vec v_sub(vec a, vec b) { return a - b; }
LANE_FN vec v_mul(vec a, vec b) { return a * b; }
LANE_FN vec v_div(vec a, vec b) { return a / b; }
LANE_FN vec v_fma(vec a, vec b, vec c) { return a * b + c; }
LANE_FN vec v_sqrt(vec a) { return sqrtf(a); }
LANE_FN int v_all_near_one(vec a) { return fabsf(a - 1.0f) <= 2e-4f; }
LANE_FN vec v_flip_if_negative(vec value, vec sign) { return sign < 0.0f ? -value : value; }

LANE_FN void v_load_quaternions(vec *q, const float *const *keys) {
  for (int i = 0; i < 4; i++) q[i] = keys[0][i];
}

LANE_FN void v_store_matrices(float *const *out, const vec *rows) {
  for (int i = 0; i < 12; i++) out[0][i] = rows[i];
  for (int i = 12; i < 16; i++) out[0][i] = i == 15 ? 1.0f : 0.0f;
}

#include "fk_pose_body.h"
