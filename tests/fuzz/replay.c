/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a fuzz target once on each file given (of a folder: on each file in it), without libFuzzer: the tracked
 * corpus is a regression test with any compiler. Each input is a heap block of its exact size. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static unsigned replayed;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    FUZZ_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0);
    rewind(file);
    data = malloc(size > 0 ? (size_t)size : 1U);
    FUZZ_CHECK(data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    replayed++;
    free(data);
}

static void replay(const char *path)
{
    struct stat status;
    struct dirent *entry;
    DIR *folder;

    FUZZ_CHECK(stat(path, &status) == 0);
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path);
        return;
    }
    folder = opendir(path);
    FUZZ_CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        char name[4096];

        if (entry->d_name[0] != '.') {
            FUZZ_CHECK((size_t)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < sizeof(name));
            replay(name);
        }
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    printf("%u inputs\n", replayed);
    return replayed > 0U ? 0 : 1; /* an empty corpus tests nothing */
}
