/* SPDX-License-Identifier: BSD-2-Clause */
/* A bzImage's header, what it unpacks, and what lies behind it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "describe.h"
#include "pvhboot/decompress.h"
#include "pvhboot/elf.h"
#include "pvhboot/loader.h"

#define VERSION_TEXT_LONGEST 256u

/* "6.1.0-31-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP ..." (boot.rst, kernel_version). */
static void report_version(struct report *report, struct span image,
                           const struct linux_kernel *kernel) {
    struct span text = {0};
    const size_t offset = kernel->header.kernel_version + (size_t)LINUX_SECTOR;
    if (!kernel->header.kernel_version || offset >= image.size)
        return;
    const size_t left = image.size - offset;
    span_slice(image, offset, left < VERSION_TEXT_LONGEST ? left : VERSION_TEXT_LONGEST, &text);
    const uint8_t *nul = memchr(text.bytes, 0, text.size);
    if (nul)
        text.size = (size_t)(nul - text.bytes);
    report_span(report, "version", text);
}

static void report_header(struct report *report, const struct linux_kernel *kernel) {
    const struct setup_header *header = &kernel->header;
    report_words(report, "boot_protocol", "%u.%02u", kernel->version >> 8, kernel->version & 0xffu);
    report_bool(report, "relocatable", kernel->relocatable);
    if (kernel->version >= 0x20a) {
        report_address(report, "pref_address", header->pref_address);
        report_size(report, "init_size", header->init_size);
    }
    if (kernel->relocatable)
        report_address(report, "kernel_alignment", header->kernel_alignment);
    if (kernel->version >= 0x20c)
        report_address(report, "xloadflags", header->xloadflags);
    report_bool(report, "entry_64bit", kernel->is_64bit);
    report_address(report, "initrd_addr_max", kernel->initrd_highest);
    report_number(report, "cmdline_size", kernel->cmdline_size);
}

/* Between the kernel and what lies behind it. */
static void report_signature(struct report *report, struct span image,
                             const struct linux_kernel *kernel) {
    const size_t kernel_end = (size_t)(kernel->code.bytes - image.bytes) + kernel->code.size;
    const size_t tail = image.size - kernel->tail.size;
    if (tail > kernel_end)
        report_size(report, "signature_size", tail - kernel_end);
}

/* The compressed kernel inside: boot.rst, payload_offset. */
static void describe_payload(struct inspection *inspection, const struct linux_kernel *kernel) {
    const struct setup_header *header = &kernel->header;
    struct span packed = {0};
    if (kernel->version < 0x208 || !header->payload_length ||
        !span_slice(kernel->code, header->payload_offset, header->payload_length, &packed))
        return;
    const struct decompressor *decompressor = decompressor_find(packed);
    if (!decompressor) {
        describe_part(inspection, "kernel inside", packed);
        return;
    }
    struct report *report = inspection->report;
    struct unpacked unpacked;
    const char *name = decompressor->name;
    report_open(report, NULL);
    report_head(report, "kernel inside: compressed, %s", name);
    if (report->as_json) {
        report_text(report, "role", "kernel inside");
        report_text(report, "kind", content_kind(CONTENT_COMPRESSED));
        report_text(report, "compression", name);
    }
    report_size(report, "size", packed.size);
    /* What the kernel's build puts behind it is no part of the data. */
    if (unpack_bounded(inspection, packed, 0, &unpacked)) {
        report_size(report, "unpacked_size", unpacked.bytes.size);
        report_open_list(report, "contains");
        if (unpacked.bytes.size)
            describe_part(inspection, "unpacked", unpacked.bytes);
        report_close_list(report);
        unpacked_free(&unpacked);
    }
    report_close(report);
}

void describe_bzimage(struct inspection *inspection, struct span bytes) {
    struct report *report = inspection->report;
    struct linux_kernel kernel;
    struct error error;
    if (!linux_parse(bytes, &kernel, &error))
        return;
    report_version(report, bytes, &kernel);
    report_header(report, &kernel);
    report_signature(report, bytes, &kernel);
    report_open_list(report, "contains");
    describe_payload(inspection, &kernel);
    if (!span_is_zero(kernel.tail))
        describe_part(inspection, "behind it", kernel.tail);
    report_close_list(report);
}
