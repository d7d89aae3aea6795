# The weights come through an engine of their own, before the first frame.
create_bd_cell -type ip -vlnv xilinx.com:ip:axi_dma:7.1 weights_dma
set_property -dict [list \
  CONFIG.c_include_sg 0 \
  CONFIG.c_sg_length_width $length_bits \
  CONFIG.c_addr_width $address_bits \
  CONFIG.c_include_mm2s 1 \
  CONFIG.c_include_mm2s_dre 0 \
  CONFIG.c_m_axi_mm2s_data_width 64 \
  CONFIG.c_m_axis_mm2s_tdata_width 64 \
  CONFIG.c_mm2s_burst_size 16 \
  CONFIG.c_include_s2mm 0 \
] [get_bd_cells weights_dma]
clocked weights_dma/s_axi_lite_aclk weights_dma/m_axi_mm2s_aclk
resettable weights_dma/axi_resetn
connect_bd_intf_net [get_bd_intf_pins weights_dma/M_AXIS_MM2S] [get_bd_intf_pins core/s_axis_weights]
