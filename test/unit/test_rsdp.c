/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI root pointer: told or searched, checked either way. */
#include "support.h"

#include "abi/acpi.h"

#define PLACE 0x7f000u

static struct span found_at(struct simulated_machine *machine, uint64_t told) {
    struct span rsdp;
    struct error error;
    if (!rsdp_find(&machine->memory, told, &rsdp, &error))
        fail_msg("%s", sentence(&error));
    return rsdp;
}

static struct error refused_at(struct simulated_machine *machine, uint64_t told) {
    struct span rsdp;
    struct error error;
    assert_false(rsdp_find(&machine->memory, told, &rsdp, &error));
    return error;
}

/* Changes a byte and puts the first checksum right again. */
static void set_byte(struct simulated_machine *machine, size_t offset, uint8_t value) {
    uint8_t *rsdp = simulated_bytes(machine, PLACE);
    rsdp[8] = (uint8_t)(rsdp[8] + rsdp[offset] - value);
    rsdp[offset] = value;
}

static void told_and_good(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    simulated_rsdp(machine, PLACE, 0);
    assert_int_equal(found_at(machine, PLACE).size, 20);
    assert_int_equal(found_at(machine, PLACE).address, PLACE);
    simulated_rsdp(machine, PLACE, 2);
    assert_int_equal(found_at(machine, PLACE).size, 36);
    /* One that is told need not be aligned. */
    simulated_rsdp(machine, PLACE + 0x103, 2);
    assert_int_equal(found_at(machine, PLACE + 0x103).address, PLACE + 0x103);
}

static void told_and_unreachable(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    simulated_rsdp(machine, LOW_MEMORY_END - 20, 0);
    assert_int_equal(found_at(machine, LOW_MEMORY_END - 20).size, 20);
    struct error error = refused_at(machine, LOW_MEMORY_END - 19);
    assert_error(&error, RSDP_UNREACHABLE);
    error = refused_at(machine, FOUR_GIB);
    assert_error(&error, RSDP_UNREACHABLE);
    error = refused_at(machine, UINT64_MAX);
    assert_error(&error, RSDP_UNREACHABLE);
    simulated_rsdp(machine, LOW_MEMORY_END - 36, 2);
    memmove(simulated_bytes(machine, LOW_MEMORY_END - 35),
            simulated_bytes(machine, LOW_MEMORY_END - 36), 36);
    error = refused_at(machine, LOW_MEMORY_END - 35);
    assert_error(&error, RSDP_UNREACHABLE);
}

static void told_and_bad(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    struct error error = refused_at(machine, PLACE);
    assert_error(&error, RSDP_SIGNATURE);
    simulated_rsdp(machine, PLACE, 0);
    uint8_t *rsdp = simulated_bytes(machine, PLACE);
    rsdp[7] = 'X';
    error = refused_at(machine, PLACE);
    assert_error(&error, RSDP_SIGNATURE);
    for (size_t byte = 8; byte < 20; byte++) {
        simulated_rsdp(machine, PLACE, 0);
        rsdp[byte]++;
        error = refused_at(machine, PLACE);
        assert_error(&error, RSDP_CHECKSUM);
    }
}

static void told_and_bad_of_revision_2(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    uint8_t *rsdp = simulated_bytes(machine, PLACE);
    for (size_t byte = 24; byte < 36; byte++) {
        simulated_rsdp(machine, PLACE, 2);
        rsdp[byte]++;
        struct error error = refused_at(machine, PLACE);
        assert_error(&error, RSDP_EXTENDED_CHECKSUM);
    }
    simulated_rsdp(machine, PLACE, 2);
    rsdp[20] = 35;
    struct error error = refused_at(machine, PLACE);
    assert_error(&error, RSDP_LENGTH);
    assert_string_equal(sentence(&error),
                        "pvhboot: E123 RSDP at 0x7f000: revision 2 with a length of 35 bytes\n");
    rsdp[22] = 1;
    error = refused_at(machine, PLACE);
    assert_error(&error, RSDP_LENGTH);
    /* What is behind the 36th byte counts too. */
    simulated_rsdp(machine, PLACE, 2);
    rsdp[20] = 40;
    rsdp[39] = (uint8_t)-4;
    assert_int_equal(found_at(machine, PLACE).size, 40);
    /* Revision 1 is one of 20 bytes; a later one than 2 is like 2. */
    simulated_rsdp(machine, PLACE, 0);
    set_byte(machine, 15, 1);
    assert_int_equal(found_at(machine, PLACE).size, 20);
    set_byte(machine, 15, 3);
    rsdp[20] = 0;
    error = refused_at(machine, PLACE);
    assert_error(&error, RSDP_LENGTH);
}

static void none_anywhere(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    assert_int_equal(found_at(machine, 0).size, 0);
}

static void searched(void **state) {
    (void)state;
    static const uint32_t places[] = {0xe0000, 0xe0010, 0xf59d0, 0xfffe0};
    for (size_t i = 0; i < COUNT(places); i++)
        for (uint8_t revision = 0; revision <= 2; revision += 2) {
            if (places[i] + 36 > MIB && revision)
                continue;
            struct simulated_machine *machine = simulated_machine();
            simulated_rsdp(machine, places[i], revision);
            assert_int_equal(found_at(machine, 0).address, places[i]);
            assert_int_equal(found_at(machine, 0).size, revision ? 36 : 20);
        }
}

static void not_where_nobody_looks(void **state) {
    (void)state;
    static const uint32_t places[] = {0xdfff0, 0xe0008, 0xf0001, 0x100000, 0xffff0, 0x9fc00};
    for (size_t i = 0; i < COUNT(places); i++) {
        struct simulated_machine *machine = simulated_machine();
        simulated_rsdp(machine, places[i], 0);
        assert_int_equal(found_at(machine, 0).size, 0);
    }
}

static void in_the_ebda(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    const uint16_t segment = 0x9fc0;
    simulated_put(machine, 0x40e, &segment, sizeof segment);
    simulated_rsdp(machine, 0x9fff0 - 0x10, 0);
    simulated_rsdp(machine, 0xf0000, 2);
    assert_int_equal(found_at(machine, 0).address, 0x9ffe0);
    /* Behind its first KiB nobody looks. */
    machine = simulated_machine();
    simulated_put(machine, 0x40e, &segment, sizeof segment);
    simulated_rsdp(machine, 0xa0000, 0);
    assert_int_equal(found_at(machine, 0).size, 0);
    simulated_rsdp(machine, 0xf0000, 2);
    assert_int_equal(found_at(machine, 0).address, 0xf0000);
}

static void a_bad_one_is_passed_over(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    simulated_rsdp(machine, 0xe1000, 2);
    ((uint8_t *)simulated_bytes(machine, 0xe1000))[30]++;
    simulated_rsdp(machine, 0xe2000, 0);
    ((uint8_t *)simulated_bytes(machine, 0xe2000))[8]++;
    simulated_rsdp(machine, 0xe3000, 2);
    assert_int_equal(found_at(machine, 0).address, 0xe3000);
}

static void memory_without_such_places(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    machine->window.size = 0x400;
    assert_int_equal(found_at(machine, 0).size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_and_good),
        cmocka_unit_test(told_and_unreachable),
        cmocka_unit_test(told_and_bad),
        cmocka_unit_test(told_and_bad_of_revision_2),
        cmocka_unit_test(none_anywhere),
        cmocka_unit_test(searched),
        cmocka_unit_test(not_where_nobody_looks),
        cmocka_unit_test(in_the_ebda),
        cmocka_unit_test(a_bad_one_is_passed_over),
        cmocka_unit_test(memory_without_such_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
