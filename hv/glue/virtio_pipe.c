/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/virtio_pipe.h"

#include <stddef.h>

#include "core/hv.h"
#include "glue/virtio.h"

/** All pipes, from the first device that has one to the last. */
struct hv_virtio_pipes {
    struct hv_virtio_domain domain;
    struct hv_pipe_end *first;
    uint32_t members; /* devices. Lock domain: the VM list */
};

int hv_pipe_join(struct hv_virtio_device *device)
{
    struct hv *hv = device->vm->hv;
    struct hv_virtio_pipes *pipes;

    hv_lock(&hv->vms_lock);
    if (hv->pipes == NULL) {
        hv->pipes = (struct hv_virtio_pipes *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*pipes)));
    }
    pipes = hv->pipes;
    if (pipes != NULL) {
        pipes->members++;
    }
    hv_unlock(&hv->vms_lock);
    if (pipes == NULL) {
        return ASH_ENOMEM;
    }
    device->domain = &pipes->domain;
    return ASH_OK;
}

void hv_pipe_leave(struct hv_virtio_device *device)
{
    struct hv *hv = device->vm->hv;

    device->domain = &device->own;
    hv_lock(&hv->vms_lock);
    if (--hv->pipes->members == 0U) {
        hv_pages_free(&hv->pages, hv->pipes, hv_pages_for(sizeof(*hv->pipes)));
        hv->pipes = NULL;
    }
    hv_unlock(&hv->vms_lock);
}

static struct hv_virtio_pipes *pipes_of(const struct hv_pipe_end *end)
{
    return end->device->vm->hv->pipes;
}

static bool is_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

void hv_pipe_attach(struct hv_pipe_end *end)
{
    struct hv_pipe_end *other = pipes_of(end)->first;

    while (other != NULL && !is_same(other->name, end->name)) {
        other = other->next;
    }
    end->next = pipes_of(end)->first;
    pipes_of(end)->first = end;
    end->peer = other; /* two ends of a name are the most that a configuration may have */
    if (other != NULL) {
        other->peer = end;
        other->ops->changed(other, false);
    }
}

void hv_pipe_detach(struct hv_pipe_end *end)
{
    struct hv_pipe_end **at = &pipes_of(end)->first;
    struct hv_pipe_end *peer = end->peer;

    while (*at != end) {
        at = &(*at)->next;
    }
    *at = end->next;
    if (peer != NULL) {
        end->peer = NULL;
        peer->peer = NULL;
        peer->is_due = false;
        peer->ops->changed(peer, end->is_open);
    }
}

uint32_t hv_pipe_put(struct hv_pipe_end *end, const uint8_t *bytes, uint32_t size)
{
    struct hv_pipe_end *peer = end->peer;
    uint32_t taken = 0;

    if (peer == NULL) {
        return 0;
    }
    if (hv_virtio_may_work(peer->device)) {
        taken = peer->ops->take(peer, bytes, size);
    }
    peer->is_due = taken < size;
    if (peer->close_due) {
        hv_virtio_post(peer->device);
    }
    return taken;
}

void hv_pipe_room(struct hv_pipe_end *end)
{
    if (end->is_due && end->peer != NULL) {
        end->is_due = false;
        end->peer->ops->room(end->peer);
    }
}

void hv_pipe_drop(struct hv_pipe_end *end)
{
    end->is_due = false;
    if (end->peer != NULL && end->peer->ops->drop != NULL) {
        end->peer->ops->drop(end->peer);
    }
}

void hv_pipe_set_open(struct hv_pipe_end *end, bool is_open)
{
    end->is_open = is_open;
    if (end->peer != NULL) {
        end->peer->ops->changed(end->peer, !is_open);
    }
    if (is_open) {
        hv_pipe_room(end);
    }
}

bool hv_pipe_is_open(const struct hv_pipe_end *end)
{
    return end->peer != NULL && end->peer->is_open;
}

bool hv_pipe_is_drained(const struct hv_pipe_end *end)
{
    const struct hv_pipe_end *peer = end->peer;

    return peer == NULL || peer->ops->is_drained == NULL || peer->ops->is_drained(peer);
}
