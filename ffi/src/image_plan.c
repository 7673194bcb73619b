/* image_plan.c: sizes of the four process_res_methods of Depth Anything 3's preprocessing. Arithmetic only, no pixels. */
#include "simd.h"
#include "soma.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static uint32_t scaled_side(uint32_t side, double scale) {
  const double scaled = rint((double)side * scale); /* rint: half to even, as Python's round */
  return scaled < 1 ? 1 : scaled > 1e9 ? 1000000000u : (uint32_t)scaled;
}

static uint32_t nearest_multiple(uint32_t side, uint32_t multiple) {
  const uint32_t down = side / multiple * multiple;
  const uint32_t nearest = side - down >= multiple - (side - down) ? down + multiple : down;
  return nearest == 0 ? multiple : nearest;
}

static bool is_side(uint32_t side) { return side >= 1 && side <= SOMA_MAX_IMAGE_SIDE; }

int32_t soma_process_plan_make(soma_process_plan *out, uint32_t width, uint32_t height, uint32_t resolution,
                               uint32_t multiple, uint32_t method) {
  if (out == NULL || method > SOMA_LOWER_BOUND_CROP || multiple < 1 || multiple > 1024) return SOMA_BAD_ARGUMENT;
  if (!is_side(width) || !is_side(height) || !is_side(resolution)) return SOMA_BAD_ARGUMENT;
  const bool upper = method == SOMA_UPPER_BOUND_RESIZE || method == SOMA_UPPER_BOUND_CROP;
  const bool crop = method == SOMA_UPPER_BOUND_CROP || method == SOMA_LOWER_BOUND_CROP;
  const uint32_t longest = width > height ? width : height, shortest = width > height ? height : width;
  const uint32_t bound = upper ? longest : shortest;
  soma_process_plan plan = {.bound_width = width, .bound_height = height};
  if (bound != resolution) {
    const double scale = (double)resolution / (double)bound;
    plan.bound_width = scaled_side(width, scale);
    plan.bound_height = scaled_side(height, scale);
    plan.bound_filter = scale > 1 ? SOMA_CUBIC : SOMA_AREA;
  }
  if (crop) {
    plan.final_width = plan.bound_width / multiple * multiple;
    plan.final_height = plan.bound_height / multiple * multiple;
    plan.crop_x = (plan.bound_width - plan.final_width) / 2;
    plan.crop_y = (plan.bound_height - plan.final_height) / 2;
  } else {
    plan.final_width = nearest_multiple(plan.bound_width, multiple);
    plan.final_height = nearest_multiple(plan.bound_height, multiple);
    const bool grows = plan.final_width > plan.bound_width || plan.final_height > plan.bound_height;
    const bool same = plan.final_width == plan.bound_width && plan.final_height == plan.bound_height;
    plan.final_filter = same ? SOMA_FILTER_NONE : grows ? SOMA_CUBIC : SOMA_AREA;
  }
  if (!is_side(plan.bound_width) || !is_side(plan.bound_height)) return SOMA_BAD_SIZE;
  if (!is_side(plan.final_width) || !is_side(plan.final_height)) return SOMA_BAD_SIZE;
  *out = plan;
  return SOMA_OK;
}
