/* png_fuzz.c: libFuzzer target. Any bytes: header and unpacking read only inside them and write only inside the picture. */
#include "soma.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *png = malloc(size == 0 ? 1 : size);
  if (png == NULL) return 0;
  memcpy(png, data, size);
  soma_png_info info;
  if (soma_png_header(&info, png, size) == SOMA_OK && (uint64_t)info.width * info.height <= 1u << 20) {
    const uint32_t channels = info.format == SOMA_GREY ? 1 : info.format == SOMA_RGB ? 3 : 4;
    uint8_t *pixels = malloc((size_t)info.width * info.height * channels);
    const soma_image image = {.planes = {pixels},
                              .stride_bytes = {info.width * channels},
                              .width = info.width,
                              .height = info.height,
                              .format = info.format};
    if (pixels != NULL) soma_png_strip(&image, png, size);
    free(pixels);
  }
  free(png);
  return 0;
}
