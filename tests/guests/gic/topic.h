/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_GIC_TOPIC_H
#define TESTS_GUESTS_GIC_TOPIC_H

#include <stdint.h>

#define GIC_VCPUS 4U

void gic_check_priorities(void);
void gic_check_states(void);
void gic_check_sgis(void);
/** The other vCPUs' life. */
void gic_sgi_secondary(uint64_t number);
void gic_sgi_taken(uint32_t iar);

#endif
