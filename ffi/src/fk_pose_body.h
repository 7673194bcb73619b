/* fk_pose_body.h: the second half of sampling, written once over the vectors that the including file chose: slerp, compose T·R·S,
 * store row-major. Included by each fk_pose_*.c. */
#include "clip.h"
#include "pose_chunk.h"

#include <string.h>

/* Slerp without trigonometric functions, divisions or a special case for close keys. With v = 1 - cos θ, θ the angle between the unit
 * quaternions (0 … π/2 along the shorter arc), the weight of a key is
 *   W(t, v) = sin(tθ)/sin(θ) = t + t(1 - t²)·v·R(t², v)
 * with R analytic in both arguments, so a polynomial does: of degree 8 in v and 4 in t², made by interpolation at Chebyshev nodes with
 * 40 digits. |error of W| <= 2.2e-8 with these float32 coefficients. As θ goes to 0 the weights go to 1 - t and t by themselves, and
 * rounding of v moves them by less than 0.13 of itself. Rows rise in the power of t², columns in that of v. */
enum { SLERP_POWERS = 9, SLERP_ROW = 16 }; /* powers of v; rows are filled up with zeros to whole vectors */
static const float slerp_table[5][SLERP_ROW] = {
    {0.3333333637f, 0.1333284358f, 0.05727148322f, 0.02411409896f, 0.0178409223f, -0.0116120721f, 0.02821458667f,
     -0.01994595598f, 0.008251405403f},
    {-1.733448313e-8f, -0.03333053359f, -0.02070844124f, -0.01002538561f, -0.008948676478f, 0.007051748742f,
     -0.01594460179f, 0.01140548656f, -0.004667310776f},
    {3.710235068e-9f, -5.992232864e-7f, 0.001603033472f, 0.001121883201f, 0.00154557185f, -0.00163749166f,
     0.003351870766f, -0.00244116031f, 0.0009816936541f},
    {-4.061219713e-10f, 6.558664145e-8f, -1.721320967e-6f, -2.694883951e-5f, -0.0001272647173f, 0.0001952641499f,
     -0.0003583228628f, 0.0002669297795f, -0.0001047791505f},
    {2.387438133e-11f, -3.855279429e-9f, 1.011396877e-7f, -1.006463172e-6f, 5.725604731e-6f, -1.227911673e-5f,
     2.054128035e-5f, -1.564704943e-5f, 5.972983595e-6f},
};

/* R(t², v)·t(1 - t²) as a polynomial in v: what W has in common for all joints with the same t. */
typedef struct slerp_curve {
  vec t;
  vec powers[SLERP_POWERS];
} slerp_curve;

LANE_FN vec lane_curve_power(const vec *c, vec t) {
  const vec x = v_mul(t, t), x2 = v_mul(x, x);
  const vec r = v_fma(v_fma(c[4], x2, v_fma(c[3], x, c[2])), x2, v_fma(c[1], x, c[0]));
  return v_mul(r, v_mul(t, v_sub(v_set1(1.0f), x)));
}

/* Vectors of powers of v first, then each power in all lanes. */
LANE_FN void lane_curve(slerp_curve *curve, float t) {
  _Alignas(64) float powers[SLERP_ROW];
  for (int power = 0; power < SLERP_ROW; power += LANES) {
    vec c[5];
    for (int i = 0; i < 5; i++) c[i] = v_load(&slerp_table[i][power]);
    v_store(&powers[power], lane_curve_power(c, v_set1(t)));
  }
  curve->t = v_set1(t);
  for (int power = 0; power < SLERP_POWERS; power++) curve->powers[power] = v_set1(powers[power]);
}

/* Estrin's scheme: short chains of dependent steps, so that the processor works on several groups of joints at once. */
LANE_FN vec lane_weight(const slerp_curve *curve, vec v, vec v2, vec v4) {
  const vec *p = curve->powers;
  const vec low = v_fma(v_fma(p[3], v, p[2]), v2, v_fma(p[1], v, p[0]));
  const vec high = v_fma(v_fma(p[7], v, p[6]), v2, v_fma(p[5], v, p[4]));
  return v_fma(v_fma(v_fma(p[8], v4, high), v4, low), v, curve->t);
}

/* The sign decides which arc is taken, so every form, this one and the TypeScript one, must round it alike: no fma here. */
LANE_FN vec lane_dot(const vec *a, const vec *b) {
  const vec xy = v_add(v_mul(a[0], b[0]), v_mul(a[1], b[1]));
  return v_add(v_add(xy, v_mul(a[2], b[2])), v_mul(a[3], b[3]));
}

/* from·from_weight ± to·to_weight; the sign takes the shorter arc. */
LANE_FN void lane_blend(vec *q, const vec *from, const vec *to, vec from_weight, vec to_weight, vec dot) {
  const vec weight = v_flip_if_negative(to_weight, dot);
  for (int i = 0; i < 4; i++) q[i] = v_fma(from[i], from_weight, v_mul(to[i], weight));
}

LANE_FN vec lane_square_length(const vec *q) {
  return v_add(v_fma(q[0], q[0], v_mul(q[1], q[1])), v_fma(q[2], q[2], v_mul(q[3], q[3])));
}

/* 1/√n. Keys are almost always unit already; there the tangent at 1 is exact to 3/8·(2e-4)² = 1.5e-8 and costs no root. */
LANE_FN vec lane_inverse_length(vec square_length) {
  if (v_all_near_one(square_length)) return v_fma(square_length, v_set1(-0.5f), v_set1(1.5f));
  return v_div(v_set1(1.0f), v_sqrt(square_length));
}

LANE_FN vec lane_line(float a, float b, vec x) { return v_fma(v_set1(b), x, v_set1(a)); }

/* Where every joint has its own t, W by way of the angle is cheaper: θ² = v·A(v) with A(v) = acos²(1 - v)/v, and
 * sin(tθ)/sin(θ) = t·S(t²θ²)/S(θ²) with S(y) = sin(√y)/√y. A and S are analytic too: relative error 6e-9 on 0 <= v <= 1 and
 * 2e-8 on 0 <= y <= (π/2)² with these float32 coefficients, Chebyshev fits made with 50 digits. */
LANE_FN vec lane_angle_squared(vec v) {
  const vec v2 = v_mul(v, v), v4 = v_mul(v2, v2);
  const vec p0 = v_fma(lane_line(0.08888819687f, 0.02858962231f, v), v2, lane_line(2.0f, 0.3333333376f, v));
  const vec p4 =
      v_fma(lane_line(-0.0008976769293f, 0.004323584347f, v), v2, lane_line(0.009976931158f, 0.004743279455f, v));
  const vec p8 = lane_line(-0.00281416378f, 0.001257981394f, v);
  return v_mul(v_fma(v_fma(p8, v4, p4), v4, p0), v);
}

LANE_FN vec lane_sinc_root(vec y) {
  const vec y2 = v_mul(y, y);
  const vec p0 = v_fma(lane_line(0.008333332769f, -0.0001984108656f, y), y2, lane_line(1.0f, -0.1666666666f, y));
  return v_fma(v_mul(lane_line(2.753646356e-6f, -2.408019043e-8f, y), y2), y2, p0);
}

/* Of keys of any length. */
LANE_FN void lane_slerp(vec *q, const vec *from, const vec *to, vec t) {
  const vec one = v_set1(1.0f), s = v_sub(one, t), dot = lane_dot(from, to);
  const vec from_scale = lane_inverse_length(lane_square_length(from));
  const vec to_scale = lane_inverse_length(lane_square_length(to));
  const vec cosine = v_mul(v_mul(v_flip_if_negative(dot, dot), from_scale), to_scale);
  const vec angle_squared = lane_angle_squared(v_sub(one, cosine));
  const vec inverse = v_div(one, lane_sinc_root(angle_squared));
  const vec from_weight = v_mul(v_mul(s, inverse), lane_sinc_root(v_mul(v_mul(s, s), angle_squared)));
  const vec to_weight = v_mul(v_mul(t, inverse), lane_sinc_root(v_mul(v_mul(t, t), angle_squared)));
  lane_blend(q, from, to, v_mul(from_weight, from_scale), v_mul(to_weight, to_scale), dot);
}

/* Of unit keys, with one t for all joints. */
LANE_FN void lane_slerp_unit(vec *q, const vec *from, const vec *to, const slerp_curve *from_curve,
                             const slerp_curve *to_curve) {
  const vec dot = lane_dot(from, to);
  const vec v = v_sub(v_set1(1.0f), v_flip_if_negative(dot, dot)), v2 = v_mul(v, v), v4 = v_mul(v2, v2);
  lane_blend(q, from, to, lane_weight(from_curve, v, v2, v4), lane_weight(to_curve, v, v2, v4), dot);
}

/* What one vector covers: a part of a group, one group, or two. */
#define LANE_GROUPS (LANES > SOMA_LANES ? LANES / SOMA_LANES : 1)

/* T·R·S of a quaternion that is unit but for rounding; s is null where every scale is 1. Each group's matrices go to one place, one after
 * another. */
LANE_FN void lane_compose(float *const *out, const vec *t, const vec *q, const vec *s) {
  /* 2/n with n = 1 + rounding, to first order: keeps the matrix orthogonal to the last bit or two. */
  const vec two = v_fma(lane_square_length(q), v_set1(-2.0f), v_set1(4.0f));
  const vec x2 = v_mul(q[0], two), y2 = v_mul(q[1], two), z2 = v_mul(q[2], two), one = v_set1(1.0f);
  const vec xx = v_mul(q[0], x2), yy = v_mul(q[1], y2), zz = v_mul(q[2], z2);
  const vec xy = v_mul(q[0], y2), xz = v_mul(q[0], z2), yz = v_mul(q[1], z2);
  const vec wx = v_mul(q[3], x2), wy = v_mul(q[3], y2), wz = v_mul(q[3], z2);
  vec rows[12] = {v_sub(one, v_add(yy, zz)), v_sub(xy, wz), v_add(xz, wy), t[0],          v_add(xy, wz),
                  v_sub(one, v_add(xx, zz)), v_sub(yz, wx), t[1],          v_sub(xz, wy), v_add(yz, wx),
                  v_sub(one, v_add(xx, yy)), t[2]};
  if (s != NULL) {
    for (int i = 0; i < 12; i++) rows[i] = i % 4 == 3 ? rows[i] : v_mul(rows[i], s[i % 4]);
  }
  v_store_matrices(out, rows);
}

/* Lanes that go through a form together, and where their two keys are. */
typedef struct lane_set {
  const soma_lane_keys *keys;
  const soma_lane_group *groups[LANE_GROUPS];
  uint32_t first; /* of a group wider than a vector */
} lane_set;

typedef struct lane_places {
  const float *from[LANE_GROUPS];
  const float *to[LANE_GROUPS]; /* the same where nothing moves */
  int moves;
} lane_places;

static const float scales_of_one[3 * SOMA_LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

LANE_FN lane_places lane_find(const lane_set *set, uint32_t property) {
  lane_places places;
  places.moves = 0;
  for (uint32_t i = 0; i < LANE_GROUPS; i++) {
    const soma_lane_group *group = set->groups[i];
    const int moves = (group->moving >> property & 1u) != 0;
    if (group->lanes_offset[property] == 0) { /* beside a group with scales */
      places.from[i] = places.to[i] = scales_of_one;
      continue;
    }
    const uint8_t *lanes = set->keys->block + group->lanes_offset[property];
    places.from[i] = (const float *)(const void *)(lanes + (moves ? set->keys->from_bytes : 0)) + set->first;
    places.to[i] = (const float *)(const void *)(lanes + (moves ? set->keys->to_bytes : 0)) + set->first;
    places.moves |= moves;
  }
  return places;
}

LANE_FN void lane_load(vec *value, const float *const *lanes, uint32_t width) {
  for (uint32_t i = 0; i < width; i++) {
#if LANES > 8
    value[i] = v_load_halves(lanes[0] + i * SOMA_LANES, lanes[1] + i * SOMA_LANES);
#else
    value[i] = v_load(lanes[0] + i * SOMA_LANES);
#endif
  }
}

LANE_FN int has_scales(const lane_set *set) {
  int result = 0;
  for (uint32_t i = 0; i < LANE_GROUPS; i++) result |= set->groups[i]->lanes_offset[SOMA_SCALE] != 0;
  return result;
}

LANE_FN void lane_vector(vec *value, const lane_set *set, uint32_t property) {
  const lane_places places = lane_find(set, property);
  lane_load(value, places.from, 3);
  if (!places.moves) return;
  vec to[3];
  lane_load(to, places.to, 3);
  for (int i = 0; i < 3; i++) value[i] = v_fma(v_sub(to[i], value[i]), v_set1(set->keys->blend), value[i]);
}

LANE_FN void lane_rotation(vec *q, const lane_set *set, const slerp_curve *from_curve, const slerp_curve *to_curve) {
  const lane_places places = lane_find(set, SOMA_ROTATION);
  lane_load(q, places.from, 4);
  if (!places.moves) return;
  vec from[4], to[4];
  for (int i = 0; i < 4; i++) from[i] = q[i];
  lane_load(to, places.to, 4);
  lane_slerp_unit(q, from, to, from_curve, to_curve);
}

LANE_FN void lane_chunk(float *const *out, const soma_pose_chunk *chunk, uint32_t first) {
  vec from[4], to[4], q[4], t[3], s[3];
  v_load_quaternions(from, &chunk->rotation_from[first]);
  v_load_quaternions(to, &chunk->rotation_to[first]);
  lane_slerp(q, from, to, v_load(&chunk->blend[first]));
  for (int i = 0; i < 3; i++) {
    t[i] = v_load(&chunk->translation[i][first]);
    s[i] = v_load(&chunk->scale[i][first]);
  }
  lane_compose(out, t, q, s);
}

LANE_TARGET static void chunk_form(float *local_out, const soma_pose_chunk *chunk, uint32_t count) {
  for (uint32_t joint = 0; joint < count; joint += LANES) {
    _Alignas(64) float matrices[LANES * 16];
    const int whole = joint + LANES <= count;
    float *to = whole ? local_out + (uint64_t)joint * 16 : matrices;
    float *out[LANE_GROUPS];
    for (uint32_t group = 0; group < LANE_GROUPS; group++) out[group] = to + (uint64_t)group * SOMA_LANES * 16;
    lane_chunk(out, chunk, joint);
    if (!whole) memcpy(local_out + (uint64_t)joint * 16, matrices, (uint64_t)(count - joint) * 16 * sizeof(float));
  }
}

/* Vectors that hold SOMA_BATCH groups. */
#define LANE_SETS (SOMA_BATCH * SOMA_LANES / LANES)

LANE_FN lane_set lane_take(const soma_lane_keys *keys, uint32_t index) {
  lane_set set = {.keys = keys, .first = index * LANES % SOMA_LANES};
  for (uint32_t i = 0; i < LANE_GROUPS; i++) {
    const uint32_t group = index * LANES / SOMA_LANES + i;
    set.groups[i] = &keys->groups[group < keys->group_count ? group : keys->group_count - 1];
  }
  return set;
}

/* Eight joints that follow one another need no moving. */
LANE_FN int is_run(const soma_lane_keys *keys, uint32_t index) {
  for (uint32_t i = 0; i < LANE_GROUPS; i++) {
    const uint32_t group = index * LANES / SOMA_LANES + i;
    if (group >= keys->group_count || keys->groups[group].lane_count < SOMA_LANES) return 0;
    if (keys->groups[group].joints[SOMA_LANES - 1] != keys->groups[group].joints[0] + SOMA_LANES - 1) return 0;
  }
  return 1;
}

/* Moves the matrices of the lanes in use to their places. */
LANE_FN void lane_scatter(float *local_out, const float *matrices, const soma_lane_keys *keys, uint32_t index) {
  for (uint32_t i = 0; i < LANE_GROUPS && index * LANES / SOMA_LANES + i < keys->group_count; i++) {
    const soma_lane_group *group = &keys->groups[index * LANES / SOMA_LANES + i];
    const uint32_t first = index * LANES % SOMA_LANES;
    const uint32_t end = first + LANES < group->lane_count ? first + LANES : group->lane_count;
    for (uint32_t lane = first; lane < end; lane++, matrices += 16) {
      memcpy(local_out + (uint64_t)group->joints[lane] * 16, matrices, 16 * sizeof(float));
    }
    if (LANE_GROUPS > 1) matrices += (uint64_t)(SOMA_LANES - end) * 16;
  }
}

/* Rotations first, matrices after: each half alone is short enough for the processor to run several sets of lanes at once. */
LANE_TARGET static void lanes_form(float *local_out, const soma_lane_keys *keys) {
  const uint32_t end = (keys->group_count * SOMA_LANES + LANES - 1) / LANES;
  _Alignas(64) float rotations[LANE_SETS][4][LANES];
  slerp_curve from_curve, to_curve;
  lane_curve(&from_curve, 1.0f - keys->blend);
  lane_curve(&to_curve, keys->blend);
  for (uint32_t begin = 0; begin < end; begin += LANE_SETS) {
    const uint32_t count = end - begin < LANE_SETS ? end - begin : LANE_SETS;
    for (uint32_t i = 0; i < count; i++) {
      const lane_set set = lane_take(keys, begin + i);
      vec q[4];
      lane_rotation(q, &set, &from_curve, &to_curve);
      for (int component = 0; component < 4; component++) v_store(rotations[i][component], q[component]);
    }
    for (uint32_t i = 0; i < count; i++) {
      const lane_set set = lane_take(keys, begin + i);
      vec t[3], q[4], s[3];
      for (int component = 0; component < 4; component++) q[component] = v_load(rotations[i][component]);
      lane_vector(t, &set, SOMA_TRANSLATION);
      const int scales = has_scales(&set);
      if (scales) lane_vector(s, &set, SOMA_SCALE);
      _Alignas(64) float matrices[LANES * 16];
      float *out[LANE_GROUPS];
      const int run = is_run(keys, begin + i);
      for (uint32_t group = 0; group < LANE_GROUPS; group++) {
        float *to = local_out + ((uint64_t)set.groups[group]->joints[0] + set.first) * 16;
        out[group] = run ? to : matrices + group * SOMA_LANES * 16;
      }
      lane_compose(out, t, q, scales ? s : NULL);
      if (!run) lane_scatter(local_out, matrices, keys, begin + i);
    }
  }
}

const soma_pose_form LANE_FORM = {chunk_form, lanes_form};
