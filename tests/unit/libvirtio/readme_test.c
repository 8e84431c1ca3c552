/* SPDX-License-Identifier: BSD-2-Clause */
/* The example of libvirtio's README, as it stands there. */
#include "rig.h"

bool serve_zeroes(struct ash_virtq *q, struct mock_memory *guest);

/* What the example leaves to its reader: a buffer of the guest's, for the duration of a call. */
void *guest_map(struct mock_memory *guest, ash_ipa_t ipa, uint32_t length);

void *guest_map(struct mock_memory *guest, ash_ipa_t ipa, uint32_t length)
{
    return mock_memory_at(guest, ipa.value, length);
}

static void the_example_fills_what_the_driver_offers(void **state)
{
    static const uint64_t features[] = {0, RIG_SPLIT_FEATURES};

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct rig rig;
        struct mock_used used;
        uint64_t buffer;
        unsigned char *bytes;

        rig_open(&rig, 8, features[f]);
        assert_false(serve_zeroes(&rig.q, &rig.mem));
        for (unsigned i = 0; i < 20; i++) {
            struct ash_virtq_segment in;

            buffer = mock_memory_alloc(&rig.mem, 10, 0);
            bytes = mock_memory_at(&rig.mem, buffer, 10);
            in = rig_segment(buffer + 1, 8, true);
            bytes[0] = bytes[1] = bytes[8] = bytes[9] = 0xFF;
            rig_offer(&rig, &in, 1);
            assert_true(mock_driver_should_kick(&rig.drv));
            assert_true(serve_zeroes(&rig.q, &rig.mem));
            assert_true(mock_driver_take_used(&rig.drv, &used));
            (void)mock_driver_set_interrupts(&rig.drv, true);
            assert_int_equal(used.written, 8);
            assert_true(bytes[0] == 0xFF && bytes[1] == 0 && bytes[8] == 0 && bytes[9] == 0xFF);
        }
        mock_driver_offer(&rig.drv, 99);
        mock_driver_publish(&rig.drv);
        assert_false(serve_zeroes(&rig.q, &rig.mem));
        assert_int_equal(ash_virtq_state(&rig.q), ASH_VIRTQ_BROKEN);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_fills_what_the_driver_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
