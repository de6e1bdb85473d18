/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of QEMU's accelerators works on this machine. */
#ifndef PVHBOOT_TOOLS_ACCEL_H
#define PVHBOOT_TOOLS_ACCEL_H

/* "kvm", or "tcg" where there is none, or none that this user may use. */
const char *accel_find(void);

#endif
