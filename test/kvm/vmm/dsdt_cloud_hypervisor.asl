// SPDX-License-Identifier: BSD-2-Clause
// What Cloud Hypervisor's DSDT says of its serial port, its power button and the state that powers it off:
// vmm/src/device_manager.rs: to_aml_bytes, create_s5_sleep_state. dsdt_cloud_hypervisor.h has it compiled. PCI and hot-plug are left out.
DefinitionBlock ("", "DSDT", 6, "CLOUDH", "CHDSDT  ", 0x00000001)
{
    Device (\_SB.COM1)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, Zero)
        Name (_DDN, "COM1")
        Name (_CRS, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive,,,) { 0x00000004 }
            IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
        })
    }

    Name (_S5, Package () { 0x05, 0x05, 0x00, 0x00 })

    Device (\_SB.PWRB)
    {
        Name (_HID, EisaId ("PNP0C0C"))
        Name (_UID, Zero)
    }
}
