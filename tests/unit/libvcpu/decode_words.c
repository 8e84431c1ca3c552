/* SPDX-License-Identifier: BSD-2-Clause */
/* Words on standard input, four bytes each, little-endian; a line of decoded fields for each on standard output. For
 * test_against_objdump.py. */
#include <stdio.h>

#include <libbase/endian.h>
#include <libvcpu/instruction.h>

int main(void)
{
    uint8_t bytes[4];

    while (fread(bytes, sizeof(bytes), 1, stdin) == 1U) {
        struct ash_vcpu_instruction i;

        ash_vcpu_instruction_decode(ash_load_le32(bytes), &i);
        printf("%d %d %d %d %d %d %d %u %u %u %u %u %u %d %u %u %u %d\n", (int)i.kind, i.write, i.vector,
               i.sign_extend, i.to_x, i.acquire_release, i.literal, i.size, i.count, i.rt, i.rt2, i.rn,
               i.write_back, i.has_index, i.rm, i.extend, i.shift, (int)i.offset);
    }
    return ferror(stdin) != 0 || ferror(stdout) != 0 ? 1 : 0;
}
