/* fk_convert.c: matrices in other element types and memory orders, for the variants of a stream. */
#include "simd.h"
#include "soma.h"

#include <stddef.h>
#include <string.h>

/* IEEE 754 binary32 to binary16, round to nearest even. The additions let the float unit or the carry do the rounding;
 * the three ranges follow the formats: normal below 2^16, subnormal below 2^-14, and what cannot be held. */
SOMA_INLINE uint16_t to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  bits &= 0x7fffffffu;
  if (bits >= 0x47800000u) { /* 2^16 and more: infinity; NaN stays NaN */
    return (uint16_t)(sign | (bits > 0x7f800000u ? 0x7e00u : 0x7c00u));
  }
  if (bits < 0x38800000u) { /* below 2^-14: adding 1/2 lines the kept bits up with the end of the mantissa */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5f;
    memcpy(&bits, &magnitude, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000u));
  }
  bits += 0xc8000fffu + ((bits >> 13) & 1u); /* rebias the exponent from 127 to 15, and round */
  return (uint16_t)(sign | (bits >> 13));
}

/* Where element i of a matrix in memory order comes from in the row-major pose. */
SOMA_INLINE uint32_t source_of(uint32_t i, uint32_t order) {
  return order == SOMA_COLUMN_MAJOR ? i % 4 * 4 + i / 4 : i;
}

SOMA_INLINE void convert_f32(float *out, const float *pose, uint32_t matrix_count, uint32_t order) {
  for (uint32_t m = 0; m < matrix_count; m++, out += 16, pose += 16) {
    for (uint32_t i = 0; i < 16; i++) out[i] = pose[source_of(i, order)];
  }
}

SOMA_INLINE void convert_f64(double *out, const float *pose, uint32_t matrix_count, uint32_t order) {
  for (uint32_t m = 0; m < matrix_count; m++, out += 16, pose += 16) {
    for (uint32_t i = 0; i < 16; i++) out[i] = (double)pose[source_of(i, order)];
  }
}

SOMA_INLINE void convert_f16(uint16_t *out, const float *pose, uint32_t matrix_count, uint32_t order) {
  for (uint32_t m = 0; m < matrix_count; m++, out += 16, pose += 16) {
    for (uint32_t i = 0; i < 16; i++) out[i] = to_half(pose[source_of(i, order)]);
  }
}

/* Inlined with a constant order, so that each loop is unrolled into moves. */
SOMA_INLINE int32_t convert(void *out, const float *pose, uint32_t matrix_count, uint32_t dtype, uint32_t order) {
  switch (dtype) {
    case SOMA_F32:
      convert_f32(out, pose, matrix_count, order);
      return SOMA_OK;
    case SOMA_F64:
      convert_f64(out, pose, matrix_count, order);
      return SOMA_OK;
    case SOMA_F16:
      convert_f16(out, pose, matrix_count, order);
      return SOMA_OK;
    default:
      return SOMA_BAD_ARGUMENT;
  }
}

int32_t soma_pose_convert(void *out, const float *pose, uint32_t matrix_count, uint32_t dtype, uint32_t order) {
  if (out == NULL || pose == NULL || matrix_count == 0) return SOMA_BAD_ARGUMENT;
  if (order == SOMA_ROW_MAJOR) return convert(out, pose, matrix_count, dtype, SOMA_ROW_MAJOR);
  if (order == SOMA_COLUMN_MAJOR) return convert(out, pose, matrix_count, dtype, SOMA_COLUMN_MAJOR);
  return SOMA_BAD_ARGUMENT;
}
