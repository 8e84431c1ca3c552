/* SPDX-License-Identifier: BSD-2-Clause */
/** Guests of threads_test.c at their disks, consoles and sockets. What they ask for makes sense, mostly; what comes of
 *  it nobody checks here but by the counts. */
#ifndef SIM_THREADS_VIRTIO_H
#define SIM_THREADS_VIRTIO_H

#include "rig.h"

/** Nodes of three VMs: a console with a pipe to the second and one that serves the third's disk, sockets; a disk with
 *  an overlay, a console, sockets; that disk. Each behind a first device of the caller's. */
void threads_virtio_first(void *tree);
void threads_virtio_second(void *tree);
void threads_virtio_third(void *tree);

/** The VM has begun anew. By its vCPU 0, as what follows. */
void threads_virtio_begin(struct hv_vcpu *vcpu);

/** Do something with one of the VM's devices from 1 on. */
void threads_virtio_use(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct test_rng *rng);

/** Has something come of each: requests of a disk, of the one that is served, packets, bytes through pipes? And how
 *  much, in words. */
bool threads_virtio_is_enough(void);
void threads_virtio_print(void);

#endif
