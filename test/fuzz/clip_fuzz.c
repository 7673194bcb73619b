/* clip_fuzz.c: libFuzzer target. Any bytes: validation reads only inside them, and what it accepts is sampled to finite numbers. */
#include "soma.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *block = malloc(size == 0 ? 1 : size); /* aligned, and exactly as long */
  if (block == NULL) return 0;
  memcpy(block, data, size);
  /* Otherwise the fuzzer would spend its time on guessing the one right length. */
  if (size >= 24) memcpy(block + 16, &(uint64_t){size}, 8);
  if (soma_clip_validate(block, size) == SOMA_OK) {
    const soma_clip *clip = (const soma_clip *)(const void *)block;
    float *pose = malloc((size_t)clip->joint_count * 64);
    const double times[] = {clip->start_s, clip->end_s, clip->end_s + clip->wrap_s / 2, -1e300, 1e300};
    for (size_t i = 0; pose != NULL && i < sizeof times / sizeof *times; i++) {
      if (soma_clip_sample(pose, clip, times[i]) != SOMA_OK) abort();
      for (uint32_t k = 0; k < clip->joint_count * 16; k++) {
        if (!isfinite(pose[k])) abort();
      }
    }
    free(pose);
  }
  free(block);
  return 0;
}
