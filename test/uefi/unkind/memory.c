/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that others want. */
#include "unkind.h"

#define LOW_END UINT64_C(0x100000000)
#define MOST_RUNS 4096
#define MOST_AT_ONCE (UINTN)0x100000 /* pages */

struct run {
    EFI_PHYSICAL_ADDRESS address;
    UINTN pages;
};

static struct run runs[MOST_RUNS];
static UINTN run_count;

static EFI_STATUS take(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, EFI_PHYSICAL_ADDRESS address,
                       UINTN pages) {
    if (run_count == MOST_RUNS)
        return EFI_OUT_OF_RESOURCES;
    EFI_STATUS status = BS->AllocatePages(how, type, pages, &address);
    if (!EFI_ERROR(status))
        runs[run_count++] = (struct run){address, pages};
    return status;
}

/* Page by page: some of it may be the firmware's already. */
static void take_range(const struct unkindness *unkindness) {
    UINTN got = 0;
    for (EFI_PHYSICAL_ADDRESS at = unkindness->taken; at < unkindness->taken_end;
         at += EFI_PAGE_SIZE)
        got += !EFI_ERROR(take(AllocateAddress, unkindness->taken_type, at, 1));
    Print(L"unkind: took %ld pages from 0x%lx\n", got, unkindness->taken);
}

static void hoard(UINTN leave) {
    EFI_PHYSICAL_ADDRESS left = LOW_END - 1;
    if (leave &&
        EFI_ERROR(BS->AllocatePages(AllocateMaxAddress, EfiBootServicesData, leave, &left)))
        Print(L"unkind: there are no %ld pages to be left\n", leave);
    for (UINTN pages = MOST_AT_ONCE; pages > 0; pages /= 2)
        while (!EFI_ERROR(take(AllocateMaxAddress, EfiBootServicesData, LOW_END - 1, pages)))
            ;
    if (leave)
        BS->FreePages(left, leave);
}

/* UEFI wants both found; only one of them is looked for by a program that knows both. */
static void move_rsdp(void) {
    EFI_GUID guid = ACPI_20_TABLE_GUID;
    EFI_PHYSICAL_ADDRESS above = LOW_END;
    void *rsdp;
    EFI_STATUS status = LibGetSystemConfigurationTable(&guid, &rsdp);
    if (!EFI_ERROR(status))
        status = BS->AllocatePages(AllocateAddress, EfiACPIReclaimMemory, 1, &above);
    if (EFI_ERROR(status)) {
        Print(L"unkind: the RSDP stays, status 0x%lx\n", status);
        return;
    }
    CopyMem((void *)(UINTN)above, rsdp, 36);
    status = BS->InstallConfigurationTable(&guid, (void *)(UINTN)above);
    Print(L"unkind: the RSDP is at 0x%lx, status 0x%lx\n", above, status);
}

void memory_take(const struct unkindness *unkindness) {
    if (unkindness->taken_end)
        take_range(unkindness);
    if (unkindness->rsdp_above)
        move_rsdp();
    if (unkindness->hoards)
        hoard(unkindness->hoard_leaves);
}

void memory_give_back(void) {
    while (run_count) {
        run_count--;
        BS->FreePages(runs[run_count].address, runs[run_count].pages);
    }
}

static const EFI_MEMORY_DESCRIPTOR *descriptor_at(const EFI_MEMORY_DESCRIPTOR *map, UINTN index,
                                                  UINTN size) {
    return (const EFI_MEMORY_DESCRIPTOR *)((const UINT8 *)map + index * size);
}

EFI_PHYSICAL_ADDRESS memory_lowest(UINTN pages, EFI_PHYSICAL_ADDRESS end) {
    UINTN count;
    UINTN key;
    UINTN size;
    UINT32 version;
    EFI_PHYSICAL_ADDRESS lowest = end;
    EFI_MEMORY_DESCRIPTOR *map = LibMemoryMap(&count, &key, &size, &version);
    if (!map)
        return end;
    for (UINTN i = 0; i < count; i++) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = descriptor_at(map, i, size);
        if (descriptor->Type == EfiConventionalMemory && descriptor->NumberOfPages >= pages &&
            descriptor->PhysicalStart < lowest)
            lowest = descriptor->PhysicalStart;
    }
    FreePool(map);
    return lowest;
}

UINTN memory_pages_in_use(void) {
    UINTN count;
    UINTN key;
    UINTN size;
    UINT32 version;
    UINTN pages = 0;
    EFI_MEMORY_DESCRIPTOR *map = LibMemoryMap(&count, &key, &size, &version);
    if (!map)
        return 0;
    for (UINTN i = 0; i < count; i++) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = descriptor_at(map, i, size);
        if (descriptor->Type == EfiLoaderCode || descriptor->Type == EfiLoaderData ||
            descriptor->Type == EfiReservedMemoryType || descriptor->Type == EfiACPIReclaimMemory)
            pages += descriptor->NumberOfPages;
    }
    FreePool(map);
    return pages;
}
