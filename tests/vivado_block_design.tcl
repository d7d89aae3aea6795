# The part of the recorder that knows block designs (UG994): cells with their pins, buses and settings, connections,
# addresses. `validate_bd_design` refuses what is left open. Sourced by vivado_recorder.tcl.

# Pins: name, direction, kind. Buses: name, role, protocol, condition (setting and value). Settings: name, default, values.
array set ::catalog_pins {
  processing_system7 {FCLK_CLK0 O clk  FCLK_RESET0_N O rst  M_AXI_GP0_ACLK I clk  S_AXI_HP0_ACLK I clk  IRQ_F2P I intr}
  zynq_ultra_ps_e {pl_clk0 O clk  pl_resetn0 O rst  maxihpm0_fpd_aclk I clk  saxihp0_fpd_aclk I clk  pl_ps_irq0 I intr}
  proc_sys_reset {slowest_sync_clk I clk  ext_reset_in I rst  peripheral_aresetn O rst  interconnect_aresetn O rst}
  axi_dma {s_axi_lite_aclk I clk  m_axi_mm2s_aclk I clk  m_axi_s2mm_aclk I clk  axi_resetn I rst  mm2s_introut O intr
    s2mm_introut O intr}
  smartconnect {aclk I clk  aresetn I rst}
  xlconcat {In0 I intr  In1 I intr  dout O intr}
}
array set ::catalog_buses {
  processing_system7 {M_AXI_GP0 master aximm {PCW_USE_M_AXI_GP0 1}  S_AXI_HP0 slave aximm {PCW_USE_S_AXI_HP0 1}}
  zynq_ultra_ps_e {M_AXI_HPM0_FPD master aximm {PSU__USE__M_AXI_GP0 1}  S_AXI_HP0_FPD slave aximm {PSU__USE__S_AXI_GP2 1}}
  proc_sys_reset {}
  axi_dma {S_AXI_LITE slave aximm {}  M_AXI_MM2S master aximm {c_include_mm2s 1}  M_AXI_S2MM master aximm {c_include_s2mm 1}
    M_AXIS_MM2S master axis {c_include_mm2s 1}  S_AXIS_S2MM slave axis {c_include_s2mm 1}}
  smartconnect {}
  xlconcat {}
}
array set ::catalog_settings {
  processing_system7 {PCW_FPGA0_PERIPHERAL_FREQMHZ 50 {^[0-9.]+$}  PCW_USE_M_AXI_GP0 0 {^[01]$}  PCW_USE_S_AXI_HP0 0 {^[01]$}
    PCW_S_AXI_HP0_DATA_WIDTH 64 {^(32|64)$}  PCW_USE_FABRIC_INTERRUPT 0 {^[01]$}  PCW_IRQ_F2P_INTR 0 {^[01]$}}
  zynq_ultra_ps_e {PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 100 {^[0-9.]+$}  PSU__USE__M_AXI_GP0 1 {^[01]$}
    PSU__USE__M_AXI_GP1 1 {^[01]$}  PSU__USE__M_AXI_GP2 0 {^[01]$}  PSU__USE__S_AXI_GP2 0 {^[01]$}
    PSU__SAXIGP2__DATA_WIDTH 128 {^(32|64|128)$}  PSU__USE__IRQ0 0 {^[01]$}}
  proc_sys_reset {}
  axi_dma {c_include_sg 1 {^[01]$}  c_sg_length_width 14 {^([89]|1[0-9]|2[0-6])$}  c_addr_width 32 {^(3[2-9]|[45][0-9]|6[0-4])$}
    c_include_mm2s 1 {^[01]$}  c_include_mm2s_dre 0 {^[01]$}  c_m_axi_mm2s_data_width 32 {^(32|64|128|256|512|1024)$}
    c_m_axis_mm2s_tdata_width 32 {^(8|16|32|64|128|256|512|1024)$}  c_mm2s_burst_size 16 {^(2|4|8|16|32|64|128|256)$}
    c_include_s2mm 1 {^[01]$}  c_include_s2mm_dre 0 {^[01]$}  c_m_axi_s2mm_data_width 32 {^(32|64|128|256|512|1024)$}
    c_s_axis_s2mm_tdata_width 32 {^(8|16|32|64|128|256|512|1024)$}  c_s2mm_burst_size 16 {^(2|4|8|16|32|64|128|256)$}}
  smartconnect {NUM_SI 1 {^([1-9]|1[0-6])$}  NUM_MI 1 {^([1-9]|1[0-6])$}}
  xlconcat {NUM_PORTS 2 {^[0-9]+$}}
}
array set ::catalog_versions {
  processing_system7 5.5 zynq_ultra_ps_e 3.5 proc_sys_reset 5.0 axi_dma 7.1 smartconnect 1.0 xlconcat 2.1
}

# State: kind of each cell, value of each setting, and what each pin and bus is connected to.
foreach table {cell setting net link address external} {array set ::$table {}}
set ::board_parts {tul.com.tw:pynq-z2:part0:1.0 xilinx.com:zcu102:part0:3.4 xilinx.com:kv260_som:part0:1.4}

vivado get_board_parts {-quiet -latest_file_version} {-filter} 0 1 boards
vivado current_project {-quiet} {} 0 0 project
vivado create_bd_design {-quiet} {-dir} 1 1 design
vivado create_bd_cell {-quiet} {-type -vlnv -reference} 1 1 cell
vivado apply_bd_automation {-quiet} {-rule -config} 1 1 none
vivado get_bd_cells {-quiet} {-filter -of_objects} 1 1 cell
vivado get_bd_pins {-quiet} {-filter -of_objects} 1 1 pin
vivado get_bd_intf_pins {-quiet} {-filter -of_objects} 1 1 intf
vivado get_bd_addr_spaces {-quiet} {-filter -of_objects} 1 1 space
vivado get_bd_addr_segs {-quiet} {-filter -of_objects} 1 1 segment
vivado connect_bd_net {-quiet} {-net} 2 9 net
vivado connect_bd_intf_net {-quiet} {-intf_net} 2 2 intf_net
vivado assign_bd_address {-quiet -force} {-offset -range -target_address_space} 0 1 none
vivado validate_bd_design {-quiet -force} {-design} 0 0 none
vivado save_bd_design {-quiet} {} 0 1 none
vivado make_wrapper {-quiet -top -import} {-files} 0 0 none
vivado launch_runs {-quiet} {-to_step -jobs} 1 1 none
vivado wait_on_run {-quiet} {-timeout} 1 1 none
vivado get_runs {-quiet} {} 1 1 run
vivado write_hw_platform {-quiet -fixed -include_bit -force -hw} {-file} 0 0 none

# The real commands give lists, or paths.
rename get_board_parts recorded_get_board_parts
proc get_board_parts args {
  recorded_get_board_parts {*}$args
  return [lsearch -all -inline -glob $::board_parts [lindex $args end]]
}
rename make_wrapper recorded_make_wrapper
proc make_wrapper args {
  recorded_make_wrapper {*}$args
  touch wrapper.v
  return [file join [pwd] wrapper.v]
}
proc touch {name} {
  file mkdir [file dirname $name]
  close [open $name w]
}

proc known {table name what} {
  upvar #0 $table values
  if {![info exists values($name)]} {error "there is no $what $name"}
  return $values($name)
}
proc option {given name} {
  array set options $given
  if {![info exists options($name)]} {error "$name is missing"}
  return $options($name)
}

proc after_create_bd_cell {positional given} {
  array set options $given
  set name [lindex $positional 0]
  if {[info exists ::cell($name)]} {error "create_bd_cell: $name is there already"}
  if {$options(-type) eq {module}} {
    set kind $options(-reference)
    read_module $kind
  } else {
    lassign [split $options(-vlnv) :] vendor library kind version
    known ::catalog_pins $kind "IP core"
    if {"$vendor:$library" ne {xilinx.com:ip}} {error "there is no IP core $options(-vlnv)"}
    if {$version ne {} && $version ne $::catalog_versions($kind)} {error "there is no version $version of $kind"}
  }
  set ::cell($name) $kind
  foreach {setting default pattern} $::catalog_settings($kind) {set ::setting($name/$setting) $default}
}

# A module of the project's Verilog becomes an entry of the catalog; its buses are found by the names of its ports.
proc read_module {kind} {
  foreach file $::added {
    if {[file extension $file] ne {.v}} continue
    set handle [open $file r]
    set text [read $handle]
    close $handle
    if {[regexp "\nmodule $kind\\(.*" $text body]} {
      set body [string range $body 0 [string first "\nendmodule" $body]]
      set pins {}
      set buses {}
      set at {}
      foreach {- direction - msb port} [regexp -all -inline {\n +(input|output) (\[(\d+):0\] )?(\w+);} $body] {
        if {$port eq {aclk}} {lappend pins aclk I clk}
        if {$port eq {aresetn}} {lappend pins aresetn I rst}
        set side [expr {$direction eq {input} ? {slave} : {master}}]
        if {[regexp {^(\w+)_tdata$} $port - bus]} {
          lappend buses $bus $side axis {}
          set ::setting(module/$bus) [expr {$msb + 1}]
        }
        if {[regexp {^(\w+)_awaddr$} $port - bus]} {lappend buses $bus $side aximm {}}
      }
      foreach bus [dict keys [dict_of_buses $buses]] {
        if {![regexp "ASSOCIATED_BUSIF \[a-z_:\]*\\y$bus\\y" $body]} {error "bus $bus of $kind has no clock"}
      }
      set ::catalog_pins($kind) $pins
      set ::catalog_buses($kind) $buses
      set ::catalog_settings($kind) {}
      return
    }
  }
  error "create_bd_cell: no module $kind in the project's files"
}
proc dict_of_buses {buses} {
  set found {}
  foreach {name role protocol condition} $buses {dict set found $name [list $role $protocol $condition]}
  return $found
}

proc after_apply_bd_automation {positional given} {
  array set options $given
  expect cell [lindex $positional 0]
  set kind $::cell([string range [lindex $positional 0] 5 end])
  if {$options(-rule) ne "xilinx.com:bd_rule:$kind"} {error "$kind has no rule $options(-rule)"}
  foreach {name value} $options(-config) {
    if {$name ni {make_external apply_board_preset Master Slave}} {error "$options(-rule): no option $name"}
  }
  set ::external($kind) 1
}
proc after_get_bd_cells {positional given} {known ::cell [lindex $positional 0] cell}
proc after_get_bd_addr_spaces {positional given} {
  if {[lindex $positional 0] ne {ps/Data}} {error "there is no address space [lindex $positional 0]"}
}
proc after_get_bd_addr_segs {positional given} {
  lassign [split [lindex $positional 0] /] cell bus segment
  lassign [bus_of $cell/$bus] role protocol
  set wanted [expr {$::cell($cell) eq {axi_dma} ? {Reg} : {reg0}}]
  if {$protocol ne {aximm} || $role ne {slave} || $segment ne $wanted} {error "there is no segment [lindex $positional 0]"}
}

proc buses_of {cell kind} {
  set all [dict_of_buses $::catalog_buses($kind)]
  if {$kind eq {smartconnect}} {
    for {set i 0} {$i < $::setting($cell/NUM_SI)} {incr i} {dict set all [format S%02d_AXI $i] {slave aximm {}}}
    for {set i 0} {$i < $::setting($cell/NUM_MI)} {incr i} {dict set all [format M%02d_AXI $i] {master aximm {}}}
  }
  return $all
}

# Role and protocol of a bus, as the settings of its cell are now.
proc bus_of {path} {
  lassign [split $path /] cell bus
  set kind [known ::cell $cell cell]
  set all [buses_of $cell $kind]
  if {![dict exists $all $bus]} {error "there is no bus $path"}
  lassign [dict get $all $bus] role protocol condition
  lassign $condition setting value
  if {$setting ne {} && $::setting($cell/$setting) ne $value} {error "$path is not there: $setting is not $value"}
  return [list $role $protocol]
}
proc pin_of {path} {
  lassign [split $path /] cell pin
  foreach {name direction kind} $::catalog_pins([known ::cell $cell cell]) {
    if {$name eq $pin} {return [list $direction $kind]}
  }
  error "there is no pin $path"
}
proc after_get_bd_pins {positional given} {pin_of [lindex $positional 0]}
proc after_get_bd_intf_pins {positional given} {bus_of [lindex $positional 0]}

proc after_connect_bd_net {positional given} {
  set drivers {}
  set kinds {}
  foreach object $positional {
    expect pin $object
    set path [string range $object 4 end]
    lassign [pin_of $path] direction kind
    lappend kinds $kind
    if {$direction eq {O}} {
      lappend drivers $path
    } elseif {[info exists ::net($path)]} {
      error "connect_bd_net: $path is connected already"
    }
    set ::net($path) 1
  }
  if {[llength $drivers] != 1} {error "connect_bd_net: [llength $drivers] drivers"}
  if {[llength [lsort -unique $kinds]] != 1} {error "connect_bd_net: a [join $kinds { with a }]"}
}
proc after_connect_bd_intf_net {positional given} {
  set roles {}
  set protocols {}
  set widths {}
  foreach object $positional {
    expect intf $object
    set path [string range $object 5 end]
    lassign [bus_of $path] role protocol
    lappend roles $role
    lappend protocols $protocol
    if {[info exists ::link($path)]} {error "connect_bd_intf_net: $path is connected already"}
    set ::link($path) 1
    if {$protocol eq {axis}} {lappend widths [width_of $path]}
  }
  if {[lsort $roles] ne {master slave}} {error "connect_bd_intf_net: a [join $roles { with a }]"}
  if {[llength [lsort -unique $protocols]] != 1} {error "connect_bd_intf_net: [join $protocols { with }]"}
  if {[llength [lsort -unique $widths]] > 1} {error "connect_bd_intf_net: widths [join $widths { and }]"}
}
proc width_of {path} {
  lassign [split $path /] cell bus
  switch $bus {
    M_AXIS_MM2S {return $::setting($cell/c_m_axis_mm2s_tdata_width)}
    S_AXIS_S2MM {return $::setting($cell/c_s_axis_s2mm_tdata_width)}
  }
  return $::setting(module/$bus)
}

proc after_assign_bd_address {positional given} {
  array set options $given
  if {[llength $positional] == 0} return
  set segment [lindex $positional 0]
  expect segment $segment
  expect space $options(-target_address_space)
  set offset [expr {$options(-offset)}]
  set family [expr {[info exists ::external(zynq_ultra_ps_e)] ? {0xA0000000 0xB0000000} : {0x40000000 0x80000000}}]
  if {$offset < [lindex $family 0] || $offset >= [lindex $family 1] || $offset % 0x10000} {error "no place at $offset"}
  if {$options(-range) ne {64K} || [info exists ::address($offset)]} {error "addresses overlap at $offset"}
  set ::address($offset) [string range $segment 8 end]
}

proc after_validate_bd_design {positional given} {
  foreach {name kind} [array get ::cell] {
    foreach {pin direction type} $::catalog_pins($kind) {
      if {$kind eq {xlconcat} && $pin eq {In1} && $::setting($name/NUM_PORTS) < 2} continue
      # an engine's clock goes with its direction
      if {[regexp {m_axi_(mm2s|s2mm)_aclk} $pin - way] && !$::setting($name/c_include_$way)} continue
      if {$direction eq {I} && ![info exists ::net($name/$pin)]} {error "validate_bd_design: $name/$pin is open"}
    }
    foreach bus [dict keys [buses_of $name $kind]] {
      if {[catch {bus_of $name/$bus}]} continue
      if {![info exists ::link($name/$bus)]} {error "validate_bd_design: $name/$bus is open"}
    }
    if {$kind eq {axi_dma}} {
      if {$::setting($name/c_include_sg)} {error "validate_bd_design: $name needs descriptors"}
      if {"$name/S_AXI_LITE/Reg" ni [flat ::address]} {error "validate_bd_design: $name has no address"}
    }
    if {$kind in {processing_system7 zynq_ultra_ps_e} && ![info exists ::external($kind)]} {error "$name has no preset"}
  }
}
proc flat {table} {
  upvar #0 $table values
  set all {}
  foreach {key value} [array get values] {lappend all $value}
  return $all
}

proc after_write_hw_platform {positional given} {touch [option $given -file]}
proc after_launch_runs {positional given} {
  array set options $given
  if {$options(-to_step) ne {write_bitstream}} {error "launch_runs: no step $options(-to_step)"}
  touch [file join $::project_folder $::project_name.runs impl_1 system_wrapper.bit]
  touch [file join $::project_folder $::project_name.gen sources_1 bd system hw_handoff system.hwh]
}

# Settings of cells come as a list behind -dict.
proc set_cell {pairs object} {
  expect cell $object
  set name [string range $object 5 end]
  set settings {}
  foreach {setting default pattern} $::catalog_settings($::cell($name)) {dict set settings CONFIG.$setting $pattern}
  if {[llength $pairs] % 2} {error "set_property: [llength $pairs] words behind -dict"}
  foreach {setting value} $pairs {
    if {![dict exists $settings $setting]} {error "set_property: $::cell($name) has no setting $setting"}
    if {![regexp [dict get $settings $setting] $value]} {error "set_property: $setting cannot be $value"}
    set ::setting($name/[string range $setting 7 end]) $value
  }
}
