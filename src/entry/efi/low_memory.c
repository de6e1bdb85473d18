/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory below 4 GiB, taken from the firmware. */
#include "front_end.h"

static EFI_STATUS take(struct front_end *front, EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type,
                       EFI_PHYSICAL_ADDRESS *address, UINTN pages) {
    struct low_pages *record = AllocatePool(sizeof *record);
    if (!record)
        return EFI_OUT_OF_RESOURCES;
    EFI_STATUS status = BS->AllocatePages(how, type, pages, address);
    if (EFI_ERROR(status)) {
        FreePool(record);
        return status;
    }
    *record = (struct low_pages){front->taken, *address, pages};
    front->taken = record;
    return EFI_SUCCESS;
}

/* Page by page where something is in the way, which the last memory map judges. */
void low_memory_claim(struct front_end *front, struct range place) {
    EFI_PHYSICAL_ADDRESS address = place.start;
    front->place = place;
    const UINTN pages = EFI_SIZE_TO_PAGES(place.end - place.start);
    if (!EFI_ERROR(take(front, AllocateAddress, EfiLoaderData, &address, pages)))
        return;
    for (address = place.start; address < place.end; address += EFI_PAGE_SIZE)
        take(front, AllocateAddress, EfiLoaderData, &address, 1);
}

uint32_t low_memory_find(struct front_end *front, uint64_t size, EFI_MEMORY_TYPE type,
                         uint32_t end) {
    EFI_PHYSICAL_ADDRESS address;
    if (size >= end)
        return 0;
    /*
     * What the firmware gives back in the image's place stays taken, and is not used; nor is page
     * 0, which some firmware gives first.
     */
    do {
        address = end - 1;
        if (EFI_ERROR(take(front, AllocateMaxAddress, type, &address, EFI_SIZE_TO_PAGES(size))))
            return 0;
    } while (!address || (address < front->place.end && address + size > front->place.start));
    return (uint32_t)address;
}

bool low_memory_take(struct front_end *front, uint64_t size, uint32_t *address,
                     struct failure *failure) {
    *address = low_memory_find(front, size, EfiLoaderData, LOW_MEMORY_END);
    return *address ||
           REFUSE(failure, EFI_OUT_OF_RESOURCES, EFI_NO_MEMORY, size, EFI_OUT_OF_RESOURCES);
}

void low_memory_release(struct front_end *front) {
    while (front->taken) {
        struct low_pages *record = front->taken;
        front->taken = record->next;
        BS->FreePages(record->address, record->pages);
        FreePool(record);
    }
}
