/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the RSDP to the register that powers off, on tables good and bad. */
#include "support.h"

#include "abi/acpi.h"
#include "pvhboot/acpi.h"

#define RSDP 0xf5000u
#define ROOT 0x100000u
#define FADT 0x200000u
#define DSDT 0x300000u
#define LARGEST (16u * MIB)

static const uint8_t name_s5[] = {0x08, '_', 'S', '5', '_'};

static void put_header(struct simulated_machine *machine, uint32_t address, const char *signature,
                       uint32_t length) {
    struct acpi_table_header header = {.length = length};
    memcpy(header.signature, signature, 4);
    simulated_put(machine, address, &header, sizeof header);
}

static void put32(struct simulated_machine *machine, uint32_t address, uint32_t value) {
    simulated_put(machine, address, &value, sizeof value);
}

static void put64(struct simulated_machine *machine, uint32_t address, uint64_t value) {
    simulated_put(machine, address, &value, sizeof value);
}

static void put_s5(struct simulated_machine *machine, const uint8_t *package, size_t size) {
    put_header(machine, DSDT, "DSDT", (uint32_t)(36 + 100 + sizeof name_s5 + size));
    memset(simulated_bytes(machine, DSDT + 36), 0xaa, 100);
    simulated_put(machine, DSDT + 136, name_s5, sizeof name_s5);
    simulated_put(machine, DSDT + 136 + sizeof name_s5, package, size);
}

/* An RSDP of this revision, root table, FADT with a PM1a control port, DSDT with S5 of type 5. */
static struct simulated_machine *good_tables(uint8_t revision) {
    static const uint8_t package[] = {0x12, 0x08, 0x04, 0x0a, 0x05, 0x0a, 0x05, 0x00, 0x00};
    struct simulated_machine *machine = simulated_machine();
    simulated_rsdp(machine, RSDP, revision);
    put32(machine, RSDP + 16, ROOT);
    if (revision >= 2) {
        put32(machine, RSDP + 16, 0xdead0000);
        put64(machine, RSDP + 24, ROOT);
        put_header(machine, ROOT, "XSDT", 36 + 3 * 8);
        put64(machine, ROOT + 36, 0xdead0000);
        put64(machine, ROOT + 44, DSDT);
        put64(machine, ROOT + 52, FADT);
    } else {
        put_header(machine, ROOT, "RSDT", 36 + 3 * 4);
        put32(machine, ROOT + 36, 0xdead0000);
        put32(machine, ROOT + 40, DSDT);
        put32(machine, ROOT + 44, FADT);
    }
    put_header(machine, FADT, "FACP", 276);
    put32(machine, FADT + 40, DSDT);
    put32(machine, FADT + 64, 0x604);
    put_s5(machine, package, sizeof package);
    return machine;
}

static bool find(struct simulated_machine *machine, struct acpi_poweroff *poweroff) {
    struct span rsdp = {0};
    const uint8_t revision = *(uint8_t *)simulated_bytes(machine, RSDP + 15);
    assert_true(memory_span(&machine->memory, RSDP, revision ? 36 : 20, &rsdp));
    return acpi_find_poweroff(&machine->memory, rsdp, poweroff);
}

static void assert_port(struct simulated_machine *machine, uint32_t port, uint16_t value) {
    struct acpi_poweroff poweroff;
    assert_true(find(machine, &poweroff));
    assert_true(poweroff.is_port);
    assert_int_equal(poweroff.width, 2);
    assert_int_equal(poweroff.address, port);
    assert_int_equal(poweroff.value, value);
}

static void assert_none(struct simulated_machine *machine) {
    struct acpi_poweroff poweroff;
    assert_false(find(machine, &poweroff));
}

static void by_rsdt_and_xsdt(void **state) {
    (void)state;
    assert_port(good_tables(0), 0x604, 5 << 10 | 1 << 13);
    assert_port(good_tables(2), 0x604, 5 << 10 | 1 << 13);
    /* Revision 2 with an XSDT at 0 has the RSDT. */
    struct simulated_machine *machine = good_tables(0);
    *(uint8_t *)simulated_bytes(machine, RSDP + 15) = 2;
    put64(machine, RSDP + 24, 0);
    assert_port(machine, 0x604, 5 << 10 | 1 << 13);
}

static void the_64_bit_dsdt_comes_first(void **state) {
    (void)state;
    struct simulated_machine *machine = good_tables(2);
    put32(machine, FADT + 40, 0xdead0000);
    assert_none(machine);
    put64(machine, FADT + 140, DSDT);
    assert_port(machine, 0x604, 5 << 10 | 1 << 13);
    put64(machine, FADT + 140, FOUR_GIB);
    assert_none(machine);
    /* A short FADT has none. */
    machine = good_tables(2);
    put_header(machine, FADT, "FACP", 116);
    put64(machine, FADT + 140, FOUR_GIB);
    assert_port(machine, 0x604, 5 << 10 | 1 << 13);
}

static void sleep_types(void **state) {
    (void)state;
    static const struct {
        uint8_t package[8];
        size_t size;
        int type;
    } cases[] = {
        {{0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00}, 7, 0},
        {{0x12, 0x06, 0x04, 0x01, 0x00, 0x00, 0x00}, 7, 1},
        {{0x12, 0x06, 0x04, 0x0a, 0x07, 0x00, 0x00}, 7, 7},
        {{0x12, 0x46, 0x00, 0x04, 0x0a, 0x03, 0x00}, 7, 3},
        {{0x12, 0xc6, 0x00, 0x00, 0x00, 0x04, 0x0a, 0x02}, 8, 2},
        {{0x12, 0x06, 0x04, 0x0a, 0x08, 0x00, 0x00}, 7, -1},
        {{0x12, 0x06, 0x04, 0x0a, 0xff, 0x00, 0x00}, 7, -1},
        {{0x12, 0x06, 0x04, 0x0b, 0x05, 0x00, 0x00}, 7, -1},
        {{0x12, 0x06, 0x04, 0x0a}, 4, -1},
        {{0x12, 0x06, 0x04}, 3, -1},
        {{0x12, 0x06}, 2, -1},
        {{0x12}, 1, -1},
        {{0x12, 0xc6, 0x00, 0x00}, 4, -1},
        {{0x11, 0x06, 0x04, 0x0a, 0x05, 0x00, 0x00}, 7, -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = good_tables(0);
        put_s5(machine, cases[i].package, cases[i].size);
        /* What is behind the table is not the table's. */
        memset(simulated_bytes(machine, DSDT + 136 + 5 + (uint32_t)cases[i].size), 1, 16);
        if (cases[i].type < 0)
            assert_none(machine);
        else
            assert_port(machine, 0x604, (uint16_t)(cases[i].type << 10 | 1 << 13));
    }
}

/* The name with a root prefix is the same name. */
static void the_name_from_the_root(void **state) {
    (void)state;
    static const uint8_t name[] = {0x08, 0x5c, '_',  'S',  '5',  '_',  0x12,
                                   0x06, 0x04, 0x0a, 0x06, 0x00, 0x00, 0x00};
    struct simulated_machine *machine = good_tables(2);
    memset(simulated_bytes(machine, DSDT + 36), 0, 200);
    simulated_put(machine, DSDT + 60, name, sizeof name);
    assert_port(machine, 0x604, 6 << 10 | 1 << 13);
}

static void reduced_hardware(void **state) {
    (void)state;
    static const struct {
        uint8_t space;
        uint64_t address;
        bool found;
    } cases[] = {
        {1, 0x600, true},      {1, 0xffff, true},    {1, 0x10000, false},      {1, 0, false},
        {0, 0xfed00000, true}, {0, FOUR_GIB, false}, {0, FOUR_GIB + 1, false}, {2, 0x600, false},
        {0x7f, 0x600, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = good_tables(2);
        const uint8_t gas[] = {cases[i].space, 8, 0, 1};
        put32(machine, FADT + 112, 1u << 20);
        simulated_put(machine, FADT + 244, gas, sizeof gas);
        put64(machine, FADT + 248, cases[i].address);
        if (!cases[i].found) {
            assert_none(machine);
            continue;
        }
        struct acpi_poweroff poweroff;
        assert_true(find(machine, &poweroff));
        assert_int_equal(poweroff.is_port, cases[i].space == 1);
        assert_int_equal(poweroff.width, 1);
        assert_int_equal(poweroff.address, cases[i].address);
        assert_int_equal(poweroff.value, 5 << 2 | 1 << 5);
    }
    /* An FADT that ends in front of the register. */
    struct simulated_machine *machine = good_tables(2);
    put32(machine, FADT + 112, 1u << 20);
    put_header(machine, FADT, "FACP", 255);
    assert_none(machine);
}

static void pm1_ports(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0, 0x10000, UINT32_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine = good_tables(2);
        put32(machine, FADT + 64, wrong[i]);
        assert_none(machine);
    }
    struct simulated_machine *machine = good_tables(2);
    put32(machine, FADT + 64, 0xffff);
    assert_port(machine, 0xffff, 5 << 10 | 1 << 13);
}

static void tables_that_are_not_there(void **state) {
    (void)state;
    struct acpi_poweroff poweroff;
    struct simulated_machine *machine = good_tables(2);
    assert_false(acpi_find_poweroff(&machine->memory, (struct span){0}, &poweroff));
    put64(machine, RSDP + 24, FOUR_GIB);
    assert_none(machine);
    put64(machine, RSDP + 24, LOW_MEMORY_END - 35);
    assert_none(machine);
    machine = good_tables(2);
    put_header(machine, FADT, "FACX", 276);
    assert_none(machine);
    machine = good_tables(2);
    put32(machine, ROOT + 4, 36 + 2 * 8 + 7);
    assert_none(machine);
    machine = good_tables(0);
    put32(machine, ROOT + 4, 36 + 2 * 4 + 3);
    assert_none(machine);
    machine = good_tables(2);
    memset(simulated_bytes(machine, DSDT + 136), 0, 5);
    assert_none(machine);
}

static void lengths_that_cannot_be(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0, 35, LARGEST + 1, UINT32_MAX};
    static const uint32_t tables[] = {ROOT, FADT, DSDT};
    for (size_t i = 0; i < COUNT(wrong); i++)
        for (size_t t = 0; t < COUNT(tables); t++) {
            struct simulated_machine *machine = good_tables(2);
            put32(machine, tables[t] + 4, wrong[i]);
            assert_none(machine);
        }
    struct simulated_machine *machine = good_tables(2);
    put32(machine, DSDT + 4, LARGEST);
    assert_port(machine, 0x604, 5 << 10 | 1 << 13);
    /* Too short to hold what is looked for. */
    machine = good_tables(2);
    put32(machine, FADT + 4, 36);
    assert_none(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_rsdt_and_xsdt),
        cmocka_unit_test(the_64_bit_dsdt_comes_first),
        cmocka_unit_test(sleep_types),
        cmocka_unit_test(the_name_from_the_root),
        cmocka_unit_test(reduced_hardware),
        cmocka_unit_test(pm1_ports),
        cmocka_unit_test(tables_that_are_not_there),
        cmocka_unit_test(lengths_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
