/* SPDX-License-Identifier: BSD-2-Clause */
/** The results that all libraries share: ASH_OK or a negative ASH_E*, grouped by whose fault it is.
 *  A HAL operation's error passes through unchanged. */
#ifndef LIBBASE_ERRORS_H
#define LIBBASE_ERRORS_H

#ifdef __cplusplus
extern "C" {
#endif

enum ash_error {
    ASH_OK = 0,

    /* The caller's. */
    ASH_EINVAL = -1,  /* an argument is out of its documented range */
    ASH_EEXIST = -2,  /* something different is there already */
    ASH_ENOENT = -3,  /* nothing is there */
    ASH_ERANGE = -4,  /* beyond the object's configured limits */
    ASH_EBUSY = -5,   /* the object's state forbids it now */
    ASH_ENOTSUP = -6, /* this build or this CPU cannot */
    ASH_EPERM = -7,   /* not allowed to this caller */

    /* Resources. */
    ASH_ENOMEM = -16, /* no memory from the HAL, or a caller's buffer too small for an object */
    ASH_ENOSPC = -17, /* a table, queue or output buffer is full */

    /* The guest's or a file's: expected, never asserted on. */
    ASH_EGUEST = -32,   /* a guest broke its side of an interface */
    ASH_EFORMAT = -33,  /* a file is malformed */
    ASH_ETRUNC = -34,   /* a file ends too early */
    ASH_EOVERLAP = -35, /* two regions that must be apart overlap */

    /* Ours. */
    ASH_EINTERNAL = -64 /* a bug in the library */
};

/** The name of @error ("ASH_EINVAL"), "ASH_E?" for a number that is none. */
static inline const char *ash_error_name(int error)
{
    switch (error) {
    case ASH_OK:
        return "ASH_OK";
    case ASH_EINVAL:
        return "ASH_EINVAL";
    case ASH_EEXIST:
        return "ASH_EEXIST";
    case ASH_ENOENT:
        return "ASH_ENOENT";
    case ASH_ERANGE:
        return "ASH_ERANGE";
    case ASH_EBUSY:
        return "ASH_EBUSY";
    case ASH_ENOTSUP:
        return "ASH_ENOTSUP";
    case ASH_EPERM:
        return "ASH_EPERM";
    case ASH_ENOMEM:
        return "ASH_ENOMEM";
    case ASH_ENOSPC:
        return "ASH_ENOSPC";
    case ASH_EGUEST:
        return "ASH_EGUEST";
    case ASH_EFORMAT:
        return "ASH_EFORMAT";
    case ASH_ETRUNC:
        return "ASH_ETRUNC";
    case ASH_EOVERLAP:
        return "ASH_EOVERLAP";
    case ASH_EINTERNAL:
        return "ASH_EINTERNAL";
    default:
        return "ASH_E?";
    }
}

#ifdef __cplusplus
}
#endif

#endif
