/* SPDX-License-Identifier: BSD-2-Clause */
/** One version for all libraries and hv; semantic (https://semver.org). */
#ifndef LIBBASE_VERSION_H
#define LIBBASE_VERSION_H

#define ASH_VERSION_MAJOR  0
#define ASH_VERSION_MINOR  1
#define ASH_VERSION_PATCH  0
#define ASH_VERSION_STRING "0.1.0"

#endif
