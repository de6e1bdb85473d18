/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bundles the whole way on the simulated machine: what of them is booted, what vouches for it, and
 * every way in which one can be wrong. The judge reads the tree by its own means.
 */
#include "support.h"

#include <stdio.h>

#include <libfdt.h>
#include <tomcrypt.h>

#define BUNDLE 0x1800000u
#define CAPACITY 0x100000u
#define MODULE 0x1000000u
#define ENTRY (MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY)

/* What goes into the bundles: a Multiboot 1 kernel, a bzImage, and three modules. */
static uint8_t multiboot[0x4000];
static uint32_t multiboot_bytes;
static uint8_t bzimage[0x4000];
static uint32_t bzimage_bytes;
static uint8_t first[0x1234], second[0x801], third[0x10];

static int make_contents(void **state) {
    (void)state;
    const struct multiboot_shape kernel = multiboot1_shape();
    const struct bzimage_shape linux_kernel = bzimage_shape(0x20f, 0x2000);
    multiboot_write(&kernel, 7, multiboot);
    multiboot_bytes = multiboot_size(&kernel);
    bzimage_write(&linux_kernel, 8, bzimage);
    bzimage_bytes = (uint32_t)bzimage_size(&linux_kernel);
    memset(first, '1', sizeof first);
    memset(second, '2', sizeof second);
    memset(third, '3', sizeof third);
    return 0;
}

/* Kernel, ramdisk and two loadables. */
static struct bundle_shape whole_shape(void) {
    struct bundle_shape shape = bundle_shape(multiboot, multiboot_bytes);
    bundle_add_image(&shape, "ramdisk-1", first, sizeof first);
    shape.ramdisk = "ramdisk-1";
    bundle_add_loadable(&shape, "loadable-1", second, sizeof second);
    bundle_add_loadable(&shape, "loadable-2", third, sizeof third);
    return shape;
}

static struct simulated_machine *machine_at(const struct bundle_shape *shape, uint32_t address) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    const uint32_t size = bundle_write(shape, simulated_bytes(machine, BUNDLE), CAPACITY);
    if (address != BUNDLE)
        simulated_put(machine, address, simulated_bytes(machine, BUNDLE), size);
    simulated_add_module(machine, address, size, 0);
    return machine;
}

static struct simulated_machine *machine_of(const struct bundle_shape *shape) {
    return machine_at(shape, BUNDLE);
}

static uint8_t *tree_of(struct simulated_machine *machine) {
    return simulated_bytes(machine, BUNDLE);
}

/* The first place at which these bytes are; there is one. */
static uint8_t *find_bytes(uint8_t *bytes, size_t size, const void *wanted, size_t wanted_size) {
    for (size_t i = 0; i + wanted_size <= size; i++)
        if (memcmp(bytes + i, wanted, wanted_size) == 0)
            return bytes + i;
    fail_msg("what is to be damaged is not there");
    abort();
}

/* The module's size is that of the list's first entry. */
static void set_size(struct simulated_machine *machine, uint64_t size) {
    simulated_put(machine, machine->start_info.modlist_paddr + 8, &size, sizeof size);
}

/* --- What the kernel was given ---------------------------------------------------------------- */

static struct multiboot_info info_of(const struct simulated_machine *machine) {
    struct multiboot_info info;
    memcpy(&info, machine->bytes + machine->plan.handoff.ebx, sizeof info);
    return info;
}

static const char *line_of(const struct simulated_machine *machine) {
    return (const char *)machine->bytes + info_of(machine).cmdline;
}

static struct multiboot_module module_of(const struct simulated_machine *machine, uint32_t index) {
    struct multiboot_module module;
    memcpy(&module, machine->bytes + info_of(machine).mods_addr + index * sizeof module,
           sizeof module);
    return module;
}

static void assert_module(const struct simulated_machine *machine, uint32_t index,
                          const uint8_t *bytes, uint32_t size, const char *text) {
    const struct multiboot_module module = module_of(machine, index);
    assert_int_equal(module.mod_end - module.mod_start, size);
    assert_memory_equal(machine->bytes + module.mod_start, bytes, size);
    assert_string_equal(machine->bytes + module.string, text);
}

/* --- What is booted --------------------------------------------------------------------------- */

static void embedded_and_external(void **state) {
    (void)state;
    static const enum bundle_data kinds[] = {BUNDLE_EMBEDDED, BUNDLE_OFFSET, BUNDLE_POSITION};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct bundle_shape shape = whole_shape();
        shape.data = kinds[i];
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "multiboot1");
        assert_int_equal(machine->plan.handoff.entry, ENTRY);
        assert_int_equal(info_of(machine).mods_count, 3);
        assert_module(machine, 0, first, sizeof first, "");
        assert_module(machine, 1, second, sizeof second, "");
        assert_module(machine, 2, third, sizeof third, "");
    }
}

/* External data begin at the next multiple of 4 behind the tree, of whatever length that is. */
static void external_data_behind_any_tree(void **state) {
    (void)state;
    unsigned lengths = 0;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct bundle_shape shape = whole_shape();
        shape.data = BUNDLE_OFFSET;
        shape.images[3].type = kind & 1 ? "standalone" : NULL;
        shape.images[3].argv0 = kind & 2 ? "not read" : NULL;
        struct simulated_machine *machine = machine_of(&shape);
        lengths |= 1u << fdt_totalsize(tree_of(machine)) % 4;
        assert_boots(machine);
        assert_module(machine, 0, first, sizeof first, "");
    }
    assert_int_equal(lengths, 15);
}

static void the_hosts_modules_come_last(void **state) {
    (void)state;
    const struct bundle_shape shape = whole_shape();
    struct simulated_machine *machine = machine_of(&shape);
    simulated_text(machine, 0x5100, "the host's");
    simulated_put(machine, MODULE, second, sizeof second);
    simulated_add_module(machine, MODULE, sizeof second, 0x5100);
    assert_boots(machine);
    assert_int_equal(info_of(machine).mods_count, 4);
    assert_module(machine, 3, second, sizeof second, "the host's");
    assert_int_equal(module_of(machine, 3).mod_start, MODULE);
}

static void linux_out_of_a_bundle(void **state) {
    (void)state;
    struct bundle_shape shape = bundle_shape(bzimage, bzimage_bytes);
    for (int with_ramdisk = 0; with_ramdisk <= 1; with_ramdisk++) {
        if (with_ramdisk) {
            bundle_add_image(&shape, "ramdisk-1", first, sizeof first)->compression = "gzip";
            shape.ramdisk = "ramdisk-1";
        }
        shape.command_line = "in the bundle";
        struct simulated_machine *machine = machine_of(&shape);
        set_line(machine, "pvhboot.verbose by the host");
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "linux");
    }
}

/* Which one, by name; a name that only begins like it, or leaves the unit address out, is none. */
static void which_configuration(void **state) {
    (void)state;
    struct bundle_shape shape = whole_shape();
    shape.configuration = "conf-2";
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_CONFIGURATION);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E522 bundle: no configuration \"conf-1\"\n");
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.config=conf-2");
    assert_boots(machine);
    shape.default_configuration = NULL;
    machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_CONFIGURATION);
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.config=conf-2");
    assert_boots(machine);
    static const char *const lines[] = {"pvhboot.config=conf-", "pvhboot.config=conf-22",
                                        "pvhboot.config=conf-2@1", "pvhboot.config=/conf-2"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        machine = machine_of(&shape);
        set_line(machine, lines[i]);
        assert_refused(machine, FIT_NO_CONFIGURATION);
    }
    shape.configuration = "conf-2@1";
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.config=conf-2");
    assert_refused(machine, FIT_NO_CONFIGURATION);
}

static void names_of_images_are_whole_names(void **state) {
    (void)state;
    struct bundle_shape shape = bundle_shape(multiboot, multiboot_bytes);
    shape.images[0].name = "kernel-1@1";
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_IMAGE);
    shape.kernel = "kernel-1@1";
    machine = machine_of(&shape);
    assert_boots(machine);
}

/* The file may be larger than the bundle: a host rounds up, or pads. */
static void what_lies_behind_does_not_matter(void **state) {
    (void)state;
    const struct bundle_shape shape = whole_shape();
    struct simulated_machine *machine = machine_of(&shape);
    set_size(machine, CAPACITY);
    assert_boots(machine);
}

static void data_stay_where_they_are(void **state) {
    (void)state;
    struct bundle_shape shape = bundle_shape(multiboot, multiboot_bytes);
    static uint8_t padding[0x1000];
    shape.data = BUNDLE_POSITION;
    /* The first image ends somewhere; the second one is made to begin at a page. */
    const uint32_t behind = (multiboot_bytes + 3) & ~3u;
    bundle_add_image(&shape, "padding", padding, 0x10000 - behind % 0x1000 - 0xf000);
    bundle_add_loadable(&shape, "loadable-1", first, sizeof first);
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_in_range(module_of(machine, 0).mod_start, BUNDLE, BUNDLE + CAPACITY);
    assert_int_equal(module_of(machine, 0).mod_start % 0x1000, 0);
}

static void no_modules(void **state) {
    (void)state;
    const struct bundle_shape shape = bundle_shape(multiboot, multiboot_bytes);
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_int_equal(info_of(machine).mods_count, 0);
}

static void as_many_modules_as_there_may_be(void **state) {
    (void)state;
    static struct bundle_shape shape;
    static char names[BUNDLE_IMAGES][8];
    shape = bundle_shape(multiboot, multiboot_bytes);
    for (uint32_t i = 0; i < BOOT_MODULES_LIMIT; i++) {
        snprintf(names[i], sizeof names[i], "m%u", i);
        bundle_add_loadable(&shape, names[i], third, sizeof third);
    }
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_int_equal(info_of(machine).mods_count, BOOT_MODULES_LIMIT);
    /* The host's count as well. */
    machine = machine_of(&shape);
    simulated_add_module(machine, MODULE, 16, 0);
    assert_refused(machine, FIT_TOO_MANY_IMAGES);
    assert_int_equal(machine->error.values[0], BOOT_MODULES_LIMIT);
    bundle_add_loadable(&shape, "one-more", third, sizeof third);
    machine = machine_of(&shape);
    assert_refused(machine, FIT_TOO_MANY_IMAGES);
}

/* --- Texts ------------------------------------------------------------------------------------ */

static void command_lines(void **state) {
    (void)state;
    static const struct {
        const char *configuration, *image, *host, *given;
    } cases[] = {
        {NULL, NULL, NULL, "pvhboot"},
        {NULL, NULL, "host", "pvhboot host"},
        {"conf", NULL, NULL, "pvhboot conf"},
        {"conf", "image", "host", "pvhboot conf host"},
        {NULL, "image", "host", "pvhboot image host"},
        {NULL, "image", "pvhboot.verbose", "pvhboot image"},
        {"", "image", NULL, "pvhboot image"},
        {"conf", NULL, "pvhboot.argv0=none", "conf"},
        {"conf", NULL, "a pvhboot.argv0=word b", "word conf a b"},
        /* Its words are the payload's, whatever they look like. */
        {"pvhboot.nonsense", NULL, "host", "pvhboot pvhboot.nonsense host"},
        {"\"open", NULL, "pvhboot.verbose a", "pvhboot \"open a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bundle_shape shape = whole_shape();
        shape.command_line = cases[i].configuration;
        shape.images[0].command_line = cases[i].image;
        struct simulated_machine *machine = machine_of(&shape);
        if (cases[i].host)
            set_line(machine, cases[i].host);
        assert_boots(machine);
        assert_string_equal(line_of(machine), cases[i].given);
    }
}

static void first_words(void **state) {
    (void)state;
    static const struct {
        const char *configuration, *image, *host, *given;
    } cases[] = {
        {"conf", NULL, "a", "conf a"},
        {"conf", "image", "a", "conf a"},
        {NULL, "image", "a", "image a"},
        {"", "image", "a", "image a"},
        {"none", NULL, "a", "a"},
        {NULL, "none", "a", "a"},
        {"conf", NULL, "pvhboot.argv0=none a", "a"},
        {"none", NULL, "pvhboot.argv0=word a", "word a"},
        {"nono", NULL, "a", "nono a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bundle_shape shape = whole_shape();
        shape.argv0 = cases[i].configuration;
        shape.images[0].argv0 = cases[i].image;
        struct simulated_machine *machine = machine_of(&shape);
        set_line(machine, cases[i].host);
        assert_boots(machine);
        assert_string_equal(line_of(machine), cases[i].given);
    }
}

static void texts_of_modules(void **state) {
    (void)state;
    struct bundle_shape shape = whole_shape();
    shape.images[1].command_line = "the ramdisk's";
    shape.images[2].command_line = "pvhboot.verbose \"as it is";
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_module(machine, 0, first, sizeof first, "the ramdisk's");
    assert_module(machine, 1, second, sizeof second, "pvhboot.verbose \"as it is");
    assert_module(machine, 2, third, sizeof third, "");
}

/* --- Hashes ----------------------------------------------------------------------------------- */

static void hashes_that_are_good(void **state) {
    (void)state;
    static const char *const algorithms[] = {"crc32", "sha256", "sha384", "sha512"};
    for (size_t i = 0; i < COUNT(algorithms); i++)
        for (uint32_t image = 0; image < 4; image++) {
            struct bundle_shape shape = whole_shape();
            shape.images[image].hashes[0] = algorithms[i];
            struct simulated_machine *machine = machine_of(&shape);
            assert_boots(machine);
        }
    struct bundle_shape shape = whole_shape();
    for (uint32_t image = 0; image < 4; image++)
        shape.images[image].hashes[0] = NULL;
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
}

static void hashes_that_are_wrong(void **state) {
    (void)state;
    static const char *const algorithms[] = {"crc32", "sha256", "sha384", "sha512", "sha1"};
    static const char *const names[] = {"kernel-1", "ramdisk-1", "loadable-1", "loadable-2"};
    for (size_t i = 0; i < COUNT(algorithms); i++)
        for (uint32_t image = 0; image < 4; image++) {
            struct bundle_shape shape = whole_shape();
            char expected[128];
            shape.images[image].hashes[0] = "sha256";
            shape.images[image].hashes[1] = algorithms[i];
            shape.images[image].wrong_hash = true;
            struct simulated_machine *machine = machine_of(&shape);
            set_line(machine, "pvhboot.verify=sha1");
            assert_refused(machine, FIT_HASH);
            snprintf(expected, sizeof expected,
                     "pvhboot: E528 bundle: image \"%s\" does not have the digest that its hash "
                     "node gives\n",
                     names[image]);
            assert_string_equal(sentence(&machine->error), expected);
        }
    /* One that is not used may be as it likes. */
    struct bundle_shape shape = whole_shape();
    bundle_add_image(&shape, "unused", third, sizeof third)->wrong_hash = true;
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
}

static void any_changed_byte_is_noticed(void **state) {
    (void)state;
    static const enum bundle_data kinds[] = {BUNDLE_EMBEDDED, BUNDLE_OFFSET};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct bundle_shape shape = whole_shape();
        shape.data = kinds[i];
        struct simulated_machine *machine = machine_of(&shape);
        uint8_t *found = find_bytes(tree_of(machine), CAPACITY, second, sizeof second);
        found[sizeof second / 2] ^= 0x10;
        assert_refused(machine, FIT_HASH);
    }
}

static void algorithms_that_are_not_taken(void **state) {
    (void)state;
    static const char *const algorithms[] = {"sha1", "md5", "crc16", "", "sha224"};
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        struct bundle_shape shape = whole_shape();
        shape.images[2].hashes[0] = algorithms[i];
        struct simulated_machine *machine = machine_of(&shape);
        assert_refused(machine, FIT_HASH_ALGORITHM);
        assert_memory_equal(machine->error.text.bytes, "loadable-1", 10);
        machine = machine_of(&shape);
        set_line(machine, "pvhboot.verify=sha1");
        if (i == 0)
            assert_boots(machine);
        else
            assert_refused(machine, FIT_HASH_ALGORITHM);
    }
}

/* A property of the tree, the first of that name in it. */
static void rename_property(struct simulated_machine *machine, const char *name, char with) {
    uint8_t *strings = tree_of(machine) + fdt_off_dt_strings(tree_of(machine));
    *find_bytes(strings, fdt_size_dt_strings(tree_of(machine)), name, strlen(name) + 1) =
        (uint8_t)with;
}

static int image_node(struct simulated_machine *machine, const char *path) {
    const int node = fdt_path_offset(tree_of(machine), path);
    assert_true(node >= 0);
    return node;
}

static void hash_nodes_that_are_not_whole(void **state) {
    (void)state;
    const struct bundle_shape shape = whole_shape();
    static const char *const names[] = {"algo", "value"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct simulated_machine *machine = machine_of(&shape);
        rename_property(machine, names[i], 'x');
        assert_refused(machine, FIT_HASH_ALGORITHM);
    }
    /* A value of another size: the node's last bytes become another property's. */
    for (int size = 0; size <= 36; size += 4) {
        struct simulated_machine *machine = machine_of(&shape);
        uint8_t *tree = tree_of(machine);
        fdt_open_into(tree, tree, (int)CAPACITY);
        const uint8_t value[40] = {0};
        assert_int_equal(
            fdt_setprop(tree, image_node(machine, "/images/kernel-1/hash-1"), "value", value, size),
            0);
        set_size(machine, CAPACITY);
        if (size == 32)
            assert_refused(machine, FIT_HASH);
        else
            assert_refused(machine, FIT_HASH_ALGORITHM);
    }
}

/* --- What vouches for it all ------------------------------------------------------------------ */

static void put_sha256(char *line, const uint8_t *bytes, size_t size) {
    hash_state hash;
    uint8_t digest[32];
    sha256_init(&hash);
    sha256_process(&hash, bytes, size);
    sha256_done(&hash, digest);
    line += sprintf(line, "pvhboot.sha256=");
    for (size_t i = 0; i < sizeof digest; i++)
        line += sprintf(line, "%02x", digest[i]);
}

static struct simulated_machine *machine_with_digest(bool wrong) {
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_multiboot(&shape, BUNDLE);
    char line[160];
    put_sha256(line, tree_of(machine), multiboot_size(&shape));
    if (wrong)
        line[strlen(line) - 1] ^= 1;
    set_line(machine, line);
    return machine;
}

static void the_digest_of_module_0(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_digest(false);
    assert_boots(machine);
    machine = machine_with_digest(true);
    assert_refused(machine, SHA256);
    /* Before it is parsed: damaged files are files with another digest. */
    machine = machine_with_digest(false);
    memset(tree_of(machine), 0, 64);
    assert_refused(machine, SHA256);
}

static void nothing_unhashed_boots(void **state) {
    (void)state;
    /* A kernel of its own. */
    struct simulated_machine *machine = machine_with_digest(false);
    set_line(machine, "pvhboot.verify=require");
    assert_refused(machine, UNHASHED);
    assert_int_equal(machine->error.values[0], 0);
    machine = machine_with_digest(false);
    strcat(simulated_bytes(machine, 0x5000), " pvhboot.verify=require");
    assert_boots(machine);
    /* Further modules have nothing that vouches for them. */
    machine = machine_with_digest(false);
    strcat(simulated_bytes(machine, 0x5000), " pvhboot.verify=require");
    simulated_add_module(machine, MODULE, 0x100, 0);
    assert_refused(machine, UNHASHED);
    assert_int_equal(machine->error.values[0], 1);
    /* A bundle with hashes. */
    struct bundle_shape shape = whole_shape();
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.verify=require");
    assert_boots(machine);
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.verify=require");
    simulated_add_module(machine, MODULE, 0x100, 0);
    assert_refused(machine, UNHASHED);
    /* An image without, or only with a weak one. */
    static const char *const weak[] = {NULL, "crc32"};
    for (uint32_t image = 0; image < 4; image++)
        for (size_t i = 0; i < COUNT(weak); i++) {
            shape = whole_shape();
            shape.images[image].hashes[0] = weak[i];
            machine = machine_of(&shape);
            set_line(machine, "pvhboot.verify=require");
            assert_refused(machine, UNHASHED_IMAGE);
            assert_memory_equal(machine->error.text.bytes, shape.images[image].name,
                                strlen(shape.images[image].name));
        }
    shape = whole_shape();
    shape.images[1].hashes[0] = "sha1";
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.verify=require,sha1");
    assert_boots(machine);
}

/* One whose digest is known vouches for all that is in it. */
static void a_bundle_by_its_digest(void **state) {
    (void)state;
    struct bundle_shape shape = whole_shape();
    for (uint32_t image = 0; image < 4; image++)
        shape.images[image].hashes[0] = NULL;
    struct simulated_machine *machine = machine_of(&shape);
    char line[200];
    put_sha256(line, tree_of(machine), fdt_totalsize(tree_of(machine)));
    strcat(line, " pvhboot.verify=require");
    set_line(machine, line);
    assert_boots(machine);
}

/* One that begins as a bundle is taken for one, also by what asks for hashes. */
static void a_kernel_that_begins_as_a_bundle(void **state) {
    (void)state;
    static const char *const lines[] = {"", "pvhboot.verify=require", "pvhboot.protocol=linux",
                                        "pvhboot.protocol=linux pvhboot.verify=require"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
        struct simulated_machine *machine = machine_with(&shape, BUNDLE);
        memcpy(tree_of(machine), "\xd0\x0d\xfe\xed", 4);
        set_line(machine, lines[i]);
        assert_refused(machine, FIT_HEADER);
    }
}

/* --- What is wrong with a bundle -------------------------------------------------------------- */

static void it_is_8_aligned(void **state) {
    (void)state;
    const struct bundle_shape shape = whole_shape();
    for (uint32_t offset = 1; offset < 8; offset++) {
        struct simulated_machine *machine = machine_at(&shape, BUNDLE + 0x80000 + offset);
        assert_refused(machine, FIT_UNALIGNED);
        assert_int_equal(machine->error.values[0], BUNDLE + 0x80000 + offset);
    }
    struct simulated_machine *machine = machine_at(&shape, BUNDLE + 0x80008);
    assert_boots(machine);
}

static void trees_that_are_cut_off(void **state) {
    (void)state;
    const struct bundle_shape shape = whole_shape();
    struct simulated_machine *machine = machine_of(&shape);
    const uint32_t size = fdt_totalsize(tree_of(machine));
    for (uint32_t cut = 4; cut < size; cut += cut < 64 ? 1 : 997) {
        machine = machine_of(&shape);
        set_size(machine, cut);
        assert_refused(machine, FIT_HEADER);
        assert_int_equal(machine->error.values[0], BUNDLE);
        assert_int_equal(machine->error.values[1], cut);
        assert_int_equal(machine->error.values[2], FDT_ERR_TRUNCATED);
    }
}

/* The header's fields, one after the other (Devicetree Specification 0.4, 5.2). */
static void headers_that_are_damaged(void **state) {
    (void)state;
    static const struct {
        uint32_t field, value;
    } fields[] = {{4, 0},           {4, 40},          {4, 0xffffffff}, {8, 0xfffffff0}, {8, 0},
                  {12, 0xffffffff}, {12, 4},          {16, 17},        {20, 1},         {24, 18},
                  {32, 0},          {36, 0xffffffff}, {36, 3},         {36, 0}};
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct bundle_shape shape = whole_shape();
        struct simulated_machine *machine = machine_of(&shape);
        const fdt32_t value = cpu_to_fdt32(fields[i].value);
        memcpy(tree_of(machine) + fields[i].field, &value, sizeof value);
        if (simulated_machine_prepare(machine))
            fail_msg("field %u = %#x was taken", fields[i].field, fields[i].value);
        if (machine->error.number < ERROR_FIT_HEADER || machine->error.number > ERROR_FIT_TOO_LONG)
            fail_msg("field %u: %s", fields[i].field, sentence(&machine->error));
        assert_judged(machine);
    }
}

/* libfdt itself cannot look through trees from before version 16. */
static void versions_that_are_not_known(void **state) {
    (void)state;
    static const uint32_t versions[][2] = {{3, 3}, {3, 1}, {15, 15}, {1, 1}, {0, 0}, {18, 18}};
    for (size_t i = 0; i < COUNT(versions); i++) {
        const struct bundle_shape shape = whole_shape();
        struct simulated_machine *machine = machine_of(&shape);
        fdt_set_version(tree_of(machine), versions[i][0]);
        fdt_set_last_comp_version(tree_of(machine), versions[i][1]);
        assert_refused(machine, FIT_HEADER);
    }
}

static void nodes_that_are_missing(void **state) {
    (void)state;
    static const char *const paths[] = {"/images", "/configurations", "/configurations/conf-1",
                                        "/images/kernel-1", "/images/loadable-2"};
    static const enum error_number errors[] = {ERROR_FIT_NO_IMAGE, ERROR_FIT_NO_CONFIGURATION,
                                               ERROR_FIT_NO_CONFIGURATION, ERROR_FIT_NO_IMAGE,
                                               ERROR_FIT_NO_IMAGE};
    for (size_t i = 0; i < COUNT(paths); i++) {
        const struct bundle_shape shape = whole_shape();
        struct simulated_machine *machine = machine_of(&shape);
        assert_int_equal(fdt_del_node(tree_of(machine), image_node(machine, paths[i])), 0);
        assert_false(simulated_machine_prepare(machine));
        assert_int_equal(machine->error.number, errors[i]);
        assert_judged(machine);
    }
    struct bundle_shape shape = whole_shape();
    shape.kernel = NULL;
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_KERNEL);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E523 bundle: configuration \"conf-1\" names no kernel\n");
    shape.kernel = "elsewhere";
    machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_IMAGE);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E524 bundle: there is no image \"elsewhere\"\n");
    shape.kernel = "";
    machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_KERNEL);
    shape = whole_shape();
    shape.ramdisk = "elsewhere";
    machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_IMAGE);
}

static void set_cell(struct simulated_machine *machine, const char *path, const char *name,
                     uint32_t value) {
    const fdt32_t cell = cpu_to_fdt32(value);
    assert_int_equal(
        fdt_setprop_inplace(tree_of(machine), image_node(machine, path), name, &cell, sizeof cell),
        0);
}

static void data_that_are_not_there(void **state) {
    (void)state;
    struct bundle_shape shape = whole_shape();
    struct simulated_machine *machine = machine_of(&shape);
    rename_property(machine, "data", 'x');
    assert_refused(machine, FIT_NO_DATA);
    static const struct {
        enum bundle_data kind;
        const char *property;
    } kinds[] = {{BUNDLE_OFFSET, "data-offset"},
                 {BUNDLE_OFFSET, "data-size"},
                 {BUNDLE_POSITION, "data-position"},
                 {BUNDLE_POSITION, "data-size"}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        shape.data = kinds[i].kind;
        static const uint32_t values[] = {UINT32_MAX, UINT32_MAX - 3, 0x80000000, CAPACITY,
                                          UINT32_MAX - sizeof first + 1};
        for (size_t v = 0; v < COUNT(values); v++) {
            machine = machine_of(&shape);
            set_cell(machine, "/images/ramdisk-1", kinds[i].property, values[v]);
            assert_refused(machine, FIT_NO_DATA);
            assert_memory_equal(machine->error.text.bytes, "ramdisk-1", 9);
        }
        machine = machine_of(&shape);
        rename_property(machine, kinds[i].property, 'x');
        assert_refused(machine, FIT_NO_DATA);
    }
    /* External data that the file is cut off from. */
    shape.data = BUNDLE_OFFSET;
    machine = machine_of(&shape);
    set_size(machine, fdt_totalsize(tree_of(machine)) + 0x1000);
    assert_refused(machine, FIT_NO_DATA);
    assert_int_equal(machine->error.values[0], fdt_totalsize(tree_of(machine)) + 0x1000);
}

static void compressed_data(void **state) {
    (void)state;
    for (uint32_t image = 0; image < 4; image++) {
        struct bundle_shape shape = whole_shape();
        shape.images[image].compression = "gzip";
        struct simulated_machine *machine = machine_of(&shape);
        /* A ramdisk's own kernel unpacks it. */
        if (image == 1)
            assert_boots(machine);
        else
            assert_refused(machine, FIT_OTHER_COMPRESSION);
        shape.images[image].compression = NULL;
        machine = machine_of(&shape);
        assert_boots(machine);
    }
    /* In whatever role it is used. */
    struct bundle_shape ramdisk = whole_shape();
    ramdisk.images[2].compression = "gzip";
    ramdisk.images[2].type = "ramdisk";
    struct simulated_machine *booted = machine_of(&ramdisk);
    assert_boots(booted);
    ramdisk.images[0].compression = "gzip";
    ramdisk.images[0].type = "ramdisk";
    booted = machine_of(&ramdisk);
    assert_refused(booted, FIT_OTHER_COMPRESSION);
    ramdisk.images[0].compression = "none";
    ramdisk.images[2].type = "ramdisks";
    booted = machine_of(&ramdisk);
    assert_refused(booted, FIT_OTHER_COMPRESSION);
    static const char *const values[] = {"",      "non", "none2", "NONE",
                                         "bzip2", "lzo", "GZIP",  "gzip "};
    for (size_t i = 0; i < COUNT(values); i++) {
        struct bundle_shape shape = whole_shape();
        shape.images[0].compression = values[i];
        struct simulated_machine *machine = machine_of(&shape);
        if (i == 0)
            assert_boots(machine);
        else
            assert_refused(machine, FIT_COMPRESSED);
    }
}

static void texts_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *path, *property;
    } properties[] = {{"/configurations", "default"},
                      {"/configurations/conf-1", "kernel"},
                      {"/configurations/conf-1", "ramdisk"},
                      {"/configurations/conf-1", "loadables"},
                      {"/configurations/conf-1", "pvhboot,command-line"},
                      {"/configurations/conf-1", "pvhboot,argv0"},
                      {"/images/kernel-1", "compression"},
                      {"/images/kernel-1", "pvhboot,command-line"},
                      {"/images/loadable-1", "pvhboot,command-line"},
                      {"/images/kernel-1/hash-1", "algo"}};
    for (size_t i = 0; i < COUNT(properties); i++)
        for (int size = 0; size <= 3; size += 3) {
            const struct bundle_shape shape = whole_shape();
            struct simulated_machine *machine = machine_of(&shape);
            uint8_t *tree = tree_of(machine);
            fdt_open_into(tree, tree, (int)CAPACITY);
            set_size(machine, CAPACITY);
            assert_int_equal(fdt_setprop(tree, image_node(machine, properties[i].path),
                                         properties[i].property, "abc", size),
                             0);
            assert_refused(machine, FIT_PROPERTY);
            assert_memory_equal(machine->error.text.bytes, properties[i].property,
                                strlen(properties[i].property));
        }
}

static void a_bundle_in_a_bundle(void **state) {
    (void)state;
    static uint8_t inner[0x10000];
    const struct bundle_shape inner_shape = bundle_shape(multiboot, multiboot_bytes);
    const uint32_t size = bundle_write(&inner_shape, inner, sizeof inner);
    const struct bundle_shape shape = bundle_shape(inner, size);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, FIT_NESTED);
}

static void what_it_holds_is_no_kernel(void **state) {
    (void)state;
    struct bundle_shape shape = bundle_shape(first, sizeof first);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, UNKNOWN_PAYLOAD);
    assert_int_equal(machine->error.values[0], sizeof first);
    shape = bundle_shape(multiboot, multiboot_bytes);
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.protocol=multiboot2");
    assert_refused(machine, NOT_THAT_PROTOCOL);
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.protocol=multiboot1");
    assert_boots(machine);
    /* Of no bytes at all. */
    shape = bundle_shape(first, 0);
    machine = machine_of(&shape);
    assert_refused(machine, UNKNOWN_PAYLOAD);
}

#define SHARING 50u

/* Many images that are all the same bytes must not be hashed for ever. */
static void the_same_bytes_again_and_again(void **state) {
    (void)state;
    static struct bundle_shape shape;
    static uint8_t large[0x4000];
    static char names[SHARING][8];
    shape = bundle_shape(multiboot, multiboot_bytes);
    shape.data = BUNDLE_OFFSET;
    for (uint32_t i = 0; i < SHARING; i++) {
        snprintf(names[i], sizeof names[i], "l%u", i);
        bundle_add_loadable(&shape, names[i], large, sizeof large);
    }
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    machine = machine_of(&shape);
    for (uint32_t i = 0; i < SHARING; i++) {
        char path[32];
        snprintf(path, sizeof path, "/images/l%u", i);
        set_cell(machine, path, "data-offset", 0x4000);
    }
    set_size(machine, ((fdt_totalsize(tree_of(machine)) + 3) & ~3u) + 0x4000 + sizeof large);
    assert_refused(machine, FIT_TOO_MUCH_TO_HASH);
    /* An honest bundle is far from that. */
    shape = whole_shape();
    for (uint32_t image = 0; image < 4; image++)
        for (uint32_t i = 0; i < BUNDLE_HASHES; i++)
            shape.images[image].hashes[i] = "sha512";
    machine = machine_of(&shape);
    assert_boots(machine);
}

/* Named twice, it is there twice. */
static void the_same_image_again_and_again(void **state) {
    (void)state;
    struct bundle_shape shape = whole_shape();
    shape.images[2].command_line = "text";
    for (uint32_t i = 0; i < 100; i++)
        shape.loadables[shape.loadable_count++] = i % 2 ? "loadable-1" : "ramdisk-1";
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_int_equal(info_of(machine).mods_count, 103);
    assert_module(machine, 101, first, sizeof first, "");
    assert_module(machine, 102, second, sizeof second, "text");
}

/* --- Trees that take too long ----------------------------------------------------------------- */

/* The machine with its tree open for changes. */
static struct simulated_machine *machine_to_change(void) {
    const struct bundle_shape shape = whole_shape();
    struct simulated_machine *machine = machine_of(&shape);
    assert_int_equal(fdt_open_into(tree_of(machine), tree_of(machine), (int)CAPACITY), 0);
    set_size(machine, CAPACITY);
    return machine;
}

static void names_that_are_too_long(void **state) {
    (void)state;
    static char name[4100];
    memset(name, 'n', sizeof name - 1);
    struct simulated_machine *machine = machine_to_change();
    name[63] = 0;
    assert_true(fdt_add_subnode(tree_of(machine), 0, name) >= 0);
    assert_boots(machine);
    machine = machine_to_change();
    name[63] = 'n';
    name[64] = 0;
    assert_true(fdt_add_subnode(tree_of(machine), 0, name) >= 0);
    assert_refused(machine, FIT_TOO_LONG);
    machine = machine_to_change();
    name[64] = 'n';
    assert_int_equal(fdt_setprop(tree_of(machine), 0, name, "", 0), 0);
    assert_refused(machine, FIT_TOO_LONG);
}

static void tags_that_are_too_many(void **state) {
    (void)state;
    static const uint32_t counts[] = {8000, 8192, 40000};
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct simulated_machine *machine = machine_to_change();
        void *bytes;
        assert_int_equal(fdt_setprop_placeholder(tree_of(machine), 0, "description",
                                                 (int)(counts[i] * 4), &bytes),
                         0);
        assert_int_equal(fdt_nop_property(tree_of(machine), 0, "description"), 0);
        if (i == 0)
            assert_boots(machine);
        else
            assert_refused(machine, FIT_TOO_LONG);
    }
}

static void reservations_that_are_too_many(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_to_change();
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(fdt_add_mem_rsv(tree_of(machine), i, 1), 0);
    assert_boots(machine);
    machine = machine_to_change();
    for (uint64_t i = 0; i < 65; i++)
        assert_int_equal(fdt_add_mem_rsv(tree_of(machine), i, 1), 0);
    assert_refused(machine, FIT_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedded_and_external),
        cmocka_unit_test(external_data_behind_any_tree),
        cmocka_unit_test(the_hosts_modules_come_last),
        cmocka_unit_test(linux_out_of_a_bundle),
        cmocka_unit_test(which_configuration),
        cmocka_unit_test(names_of_images_are_whole_names),
        cmocka_unit_test(what_lies_behind_does_not_matter),
        cmocka_unit_test(data_stay_where_they_are),
        cmocka_unit_test(no_modules),
        cmocka_unit_test(as_many_modules_as_there_may_be),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(first_words),
        cmocka_unit_test(texts_of_modules),
        cmocka_unit_test(hashes_that_are_good),
        cmocka_unit_test(hashes_that_are_wrong),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(algorithms_that_are_not_taken),
        cmocka_unit_test(hash_nodes_that_are_not_whole),
        cmocka_unit_test(the_digest_of_module_0),
        cmocka_unit_test(nothing_unhashed_boots),
        cmocka_unit_test(a_bundle_by_its_digest),
        cmocka_unit_test(a_kernel_that_begins_as_a_bundle),
        cmocka_unit_test(it_is_8_aligned),
        cmocka_unit_test(trees_that_are_cut_off),
        cmocka_unit_test(headers_that_are_damaged),
        cmocka_unit_test(versions_that_are_not_known),
        cmocka_unit_test(nodes_that_are_missing),
        cmocka_unit_test(data_that_are_not_there),
        cmocka_unit_test(compressed_data),
        cmocka_unit_test(texts_that_are_none),
        cmocka_unit_test(a_bundle_in_a_bundle),
        cmocka_unit_test(what_it_holds_is_no_kernel),
        cmocka_unit_test(the_same_bytes_again_and_again),
        cmocka_unit_test(the_same_image_again_and_again),
        cmocka_unit_test(names_that_are_too_long),
        cmocka_unit_test(tags_that_are_too_many),
        cmocka_unit_test(reservations_that_are_too_many),
    };
    return cmocka_run_group_tests(tests, make_contents, NULL);
}
