/* SPDX-License-Identifier: BSD-2-Clause */
/** What hv asks of a board, told from its device tree alone. The off-line checker asks the same.
 *  Lock domain: none, plain data. */
#ifndef HV_CORE_BOARD_CHECK_H
#define HV_CORE_BOARD_CHECK_H

#include <stddef.h>

#include <libbase/compiler.h>
#include <libboot/board.h>

/** Can hv run on @board? ASH_OK; else @why, of @size bytes, says what it lacks and what is allowed: ASH_ENOENT (there
 *  is none), ASH_ENOTSUP (there is another kind). */
int hv_board_check(const struct ash_boot_board *board, char *why, size_t size) ASH_NODISCARD;

#endif
