// SPDX-License-Identifier: BSD-2-Clause
// What Firecracker's DSDT says of its serial port and its keyboard controller: src/vmm/src/device_manager/legacy.rs:
// append_aml_bytes. dsdt_firecracker.h has it compiled. Its generation counter and clock devices are left out.
DefinitionBlock ("", "DSDT", 2, "FIRECK", "FCVMDSDT", 0x00000000)
{
    Device (\_SB.COM1)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, 0x00)
        Name (_DDN, "COM1")
        Name (_CRS, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive,,,) { 0x00000004 }
            IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
        })
    }

    Device (\_SB.PS2)
    {
        Name (_HID, EisaId ("PNP0303"))
        Method (_STA, 0, NotSerialized)
        {
            Return (0x0F)
        }
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x0060, 0x0060, 0x01, 0x01)
            IO (Decode16, 0x0064, 0x0064, 0x01, 0x01)
            Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive,,,) { 0x00000001 }
        })
    }
}
