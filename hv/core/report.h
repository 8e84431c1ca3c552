/* SPDX-License-Identifier: BSD-2-Clause */
/** What a report needs of the architecture: the console device past all locks, and the stack. */
#ifndef HV_CORE_REPORT_H
#define HV_CORE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/** Write @text to the console device, polling. */
void hv_report_write(const char *text);

/** Where the image was loaded: backtraces are given relative to it. */
uint64_t hv_report_image_base(void);

/** From the frame at *@frame_pointer: its return address, and on to the caller's frame. False where the chain ends or
 *  leaves hv's stacks. */
bool hv_report_frame(uint64_t *frame_pointer, uint64_t *return_address);

#endif
