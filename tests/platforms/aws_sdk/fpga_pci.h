/* The SDK's library for PCIe (aws-fpga, branch f2), as far as the host's programs use it; written from its reference. */
#pragma once

#include <stdint.h>

enum { FPGA_APP_PF = 0, FPGA_MGMT_PF = 1 };
enum { APP_PF_BAR0 = 0, APP_PF_BAR2 = 2, APP_PF_BAR4 = 4 };
enum { BURST_CAPABLE = 0x1 };

typedef int pci_bar_handle_t;
#define PCI_BAR_HANDLE_INIT (-1)

int fpga_pci_init(void);
int fpga_pci_attach(int slot_id, int pf_id, int bar_id, uint32_t flags, pci_bar_handle_t *handle);
int fpga_pci_detach(pci_bar_handle_t handle);
int fpga_pci_poke(pci_bar_handle_t handle, uint64_t offset, uint32_t value);
int fpga_pci_peek(pci_bar_handle_t handle, uint64_t offset, uint32_t *value);
int fpga_pci_peek64(pci_bar_handle_t handle, uint64_t offset, uint64_t *value);
int fpga_pci_write_burst(pci_bar_handle_t handle, uint64_t offset, uint32_t *datap, uint64_t dword_len);
