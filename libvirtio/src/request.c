/* SPDX-License-Identifier: BSD-2-Clause */
/* A request's bytes. The request is data that was out of our hands: it is believed no more than a guest. */
#include "internal.h"

#include <libbase/checked.h>
#include <libbase/mem.h>

/* Take @bytes off the segments [first, first+count), from the front. They keep their places; what is empty
 * is left out by its length. */
static void trim(struct ash_virtq_segment *segments, uint32_t count, uint64_t bytes)
{
    for (uint32_t i = 0; i < count && bytes > 0U; i++) {
        const uint32_t off = bytes < segments[i].length ? (uint32_t)bytes : segments[i].length;

        segments[i].ipa.value += off;
        segments[i].length -= off;
        bytes -= off;
    }
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void ash_virtio_trim_readable(struct ash_virtio_request *request, uint64_t bytes)
{
    trim(request->segments, request->readable_count, bytes);
    request->readable_bytes -= smaller(bytes, request->readable_bytes);
}

void ash_virtio_trim_writable(struct ash_virtio_request *request, uint64_t bytes)
{
    trim(&request->segments[request->readable_count], request->segment_count - request->readable_count,
         bytes);
    request->writable_bytes -= smaller(bytes, request->writable_bytes);
}

void ash_virtio_trim_writable_end(struct ash_virtio_request *request, uint64_t bytes)
{
    request->writable_bytes -= smaller(bytes, request->writable_bytes);
    for (uint32_t i = request->segment_count; i > request->readable_count && bytes > 0U; i--) {
        struct ash_virtq_segment *segment = &request->segments[i - 1U];
        const uint32_t off = (uint32_t)smaller(bytes, segment->length);

        segment->length -= off;
        bytes -= off;
    }
}

static void unmap_run(const struct ash_virtio_device *device, void *bytes, uint64_t size)
{
    if (device->site.hal->memory->unmap != NULL) {
        device->site.hal->memory->unmap(device->site.ctx, bytes, size);
    }
}

/* [skip, skip+size) of one segment. */
static int visit_run(const struct ash_virtio_device *device, const struct ash_virtq_segment *segment,
                     uint64_t skip, uint32_t size, ash_virtio_run_fn *fn, void *cookie, bool *more)
{
    const struct ash_virtq_hal *memory = device->site.hal->memory;
    uint64_t at = segment->ipa.value + skip;
    void *bytes;

    if (!virtq_is_guest_memory_(device->site.regions, device->site.region_count, segment->ipa.value,
                                segment->length)) {
        return ASH_EINVAL;
    }
    bytes = virtq_direct_(device->site.regions, device->site.region_count, segment->ipa.value,
                          segment->length, skip);
    if (bytes != NULL) {
        *more = fn(cookie, bytes, size);
        return ASH_OK;
    }
    while (size > 0U && *more) {
        const uint64_t whole = memory->piece - (at & (memory->piece - 1U)); /* without pieces: 0 */
        const uint32_t run = memory->piece == 0U || size < whole ? size : (uint32_t)whole;

        bytes = memory->map(device->site.ctx, ash_ipa(at), run, segment->writable);
        if (bytes == NULL) {
            return ASH_ENOMEM;
        }
        *more = fn(cookie, bytes, run);
        unmap_run(device, bytes, run);
        at += run;
        size -= run;
    }
    return ASH_OK;
}

/* The first segment from @i on that is not empty; @end: none. */
static uint32_t first_of(const struct ash_virtio_request *request, uint32_t i, uint32_t end)
{
    while (i < end && request->segments[i].length == 0U) {
        i++;
    }
    return i;
}

/* What visit_all() checks, and then where [offset, offset+size) of one part is, if it lies in one segment that needs
 * no map(), as almost every header and every buffer does. NULL: look closer. */
static inline void *find_direct(const struct ash_virtio_device *device,
                                const struct ash_virtio_request *request, bool writable, uint64_t offset,
                                uint64_t size)
{
    const struct ash_virtio_site *site = &device->site;
    const uint32_t end = writable ? request->segment_count : request->readable_count;
    const uint64_t bytes = writable ? request->writable_bytes : request->readable_bytes;
    const struct ash_virtq_segment *segment;
    uint32_t first;

    if (size == 0U || virtio_slot_(device, request->queue, request->token) == NULL ||
        request->segment_count > ASH_VIRTIO_SEGMENTS || request->readable_count > request->segment_count ||
        !ash_range_within(offset, size, 0, bytes)) {
        return NULL;
    }
    first = first_of(request, writable ? request->readable_count : 0U, end);
    if (first == end) {
        return NULL;
    }
    segment = &request->segments[first];
    if (segment->writable != writable || !ash_range_within(offset, size, 0, segment->length)) {
        return NULL;
    }
    return virtq_direct_(site->regions, site->region_count, segment->ipa.value, segment->length, offset);
}

static int visit_all(const struct ash_virtio_device *device, const struct ash_virtio_request *request,
                     bool writable, uint64_t offset, uint64_t size, ash_virtio_run_fn *fn, void *cookie)
{
    const uint32_t end = writable ? request->segment_count : request->readable_count;
    const uint64_t bytes = writable ? request->writable_bytes : request->readable_bytes;
    bool more = true;
    int error = ASH_OK;

    if (virtio_slot_(device, request->queue, request->token) == NULL) {
        return ASH_ENOENT;
    }
    if (request->segment_count > ASH_VIRTIO_SEGMENTS || request->readable_count > request->segment_count) {
        return ASH_EINVAL;
    }
    if (!ash_range_within(offset, size, 0, bytes)) {
        return ASH_ERANGE;
    }
    for (uint32_t i = writable ? request->readable_count : 0U;
         i < end && size > 0U && more && error == ASH_OK; i++) {
        const struct ash_virtq_segment *segment = &request->segments[i];
        const uint64_t skip = smaller(offset, segment->length);
        const uint32_t run = (uint32_t)smaller(size, segment->length - skip);

        if (segment->writable != writable) {
            return ASH_EINVAL;
        }
        if (run > 0U) {
            error = visit_run(device, segment, skip, run, fn, cookie, &more);
        }
        offset -= skip;
        size -= run;
    }
    return error == ASH_OK && more && size > 0U ? ASH_EINVAL
                                                : error; /* it does not have the bytes that it claims */
}

int ash_virtio_visit(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                     bool writable, uint64_t offset, uint64_t size, ash_virtio_run_fn *fn, void *cookie)
{
    void *bytes = find_direct(device, request, writable, offset, size);

    if (bytes == NULL) {
        return visit_all(device, request, writable, offset, size, fn, cookie);
    }
    (void)fn(cookie, bytes, (uint32_t)size); /* a segment's length has no more bits */
    return ASH_OK;
}

static bool copy_in_run(void *cookie, void *bytes, uint32_t size)
{
    unsigned char **to = cookie;

    (void)memcpy(*to, bytes, size);
    *to += size;
    return true;
}

static bool copy_out_run(void *cookie, void *bytes, uint32_t size)
{
    const unsigned char **from = cookie;

    (void)memcpy(bytes, *from, size);
    *from += size;
    return true;
}

int ash_virtio_copy_in(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                       uint64_t offset, void *to, uint32_t size)
{
    unsigned char *at = to;
    void *bytes = find_direct(device, request, false, offset, size);

    if (bytes == NULL) {
        return visit_all(device, request, false, offset, size, copy_in_run, (void *)&at);
    }
    (void)memcpy(to, bytes, size);
    return ASH_OK;
}

int ash_virtio_copy_out(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                        uint64_t offset, const void *from, uint32_t size)
{
    const unsigned char *at = from;
    void *bytes = find_direct(device, request, true, offset, size);

    if (bytes == NULL) {
        return visit_all(device, request, true, offset, size, copy_out_run, (void *)&at);
    }
    (void)memcpy(bytes, from, size);
    return ASH_OK;
}

/* On its way from a source into a guest's buffers. */
struct arrival {
    const struct ash_virtio_source *source;
    uint32_t offset;
    int error;
};

static bool arrive(void *cookie, void *bytes, uint32_t size)
{
    struct arrival *arrival = cookie;

    arrival->error = arrival->source->copy(arrival->source->ctx, arrival->offset, bytes, size);
    arrival->offset += size;
    return arrival->error == ASH_OK;
}

int ash_virtio_copy_from_(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                          uint64_t offset, const struct ash_virtio_source *source, uint32_t from,
                          uint32_t size)
{
    struct arrival arrival = {.source = source, .offset = from};
    const int error = ash_virtio_visit(device, request, true, offset, size, arrive, &arrival);

    return error != ASH_OK ? error : arrival.error;
}
