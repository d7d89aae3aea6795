# Stands in for Vivado: knows the commands that the scripts use, with their options (UG835, UG1118), records every
# call in ::calls, and raises an error for everything else: an unknown command, option, property or file.

set ::calls {}
namespace eval ipx {}
namespace eval after_ipx {}

# Objects are named kind:name; each kind has the properties that may be set.
array set ::properties {
  core {sdx_kernel sdx_kernel_type vitis_drc ipi_drc core_revision version display_name}
  register {description address_offset size}
  register_parameter {value}
  bus_parameter {value}
  fileset {top}
  source {file_type is_global_include PROCESSING_ORDER}
  project {board_part}
  cell {USER_SLR_ASSIGNMENT USER_SLL_REG}
}

# Defines a command: switches without a value, options with a value, least and most arguments, kind of the result.
proc vivado {name switches options least most result} {
  proc $name args [subst -nocommands {
    set positional {}
    array set given {}
    for {set i 0} {\$i < [llength \$args]} {incr i} {
      set word [lindex \$args \$i]
      if {[lsearch -exact {$switches} \$word] >= 0} {
        set given(\$word) 1
      } elseif {[lsearch -exact {$options} \$word] >= 0} {
        incr i
        if {\$i >= [llength \$args]} {error "$name: \$word needs a value"}
        set given(\$word) [lindex \$args \$i]
      } elseif {[string match -* \$word] && ![string is integer \$word]} {
        error "$name: unknown option \$word"
      } else {
        lappend positional \$word
      }
    }
    set count [llength \$positional]
    if {\$count < $least || \$count > $most} {error "$name: \$count arguments"}
    lappend ::calls [concat $name [llength \$positional] \$positional [array get given]]
    after_$name \$positional [array get given]
    return "$result:[lindex \$positional 0]"
  }]
  proc after_$name {positional given} {}
}

vivado create_project {-force -in_memory -quiet} {-part} 0 2 project
vivado add_files {-norecurse -scan_for_includes -quiet} {-fileset} 1 1 file
vivado update_compile_order {-quiet} {-fileset} 0 0 none
vivado current_fileset {-quiet -simset -constrset -srcset} {} 0 0 fileset
vivado package_xo {-force -quiet} {-xo_path -kernel_name -ip_directory -ctrl_protocol -kernel_xml -output_kernel_xml -kernel_files} 0 0 none
vivado ipx::package_project {-import_files -force -quiet} {-root_dir -vendor -library -taxonomy -set_current -module} 0 0 core
vivado ipx::current_core {-quiet} {} 0 0 core
vivado ipx::infer_bus_interface {-quiet} {} 3 3 bus
vivado ipx::associate_bus_interfaces {-remove -clear -quiet} {-busif -clock -reset} 1 1 none
vivado ipx::get_bus_interfaces {-quiet} {-of_objects -filter} 1 1 bus
vivado ipx::add_bus_parameter {-quiet} {} 2 2 bus_parameter
vivado ipx::get_memory_maps {-quiet} {-of_objects} 1 1 memory_map
vivado ipx::get_address_blocks {-quiet} {-of_objects} 1 1 address_block
vivado ipx::add_register {-quiet} {} 2 2 register
vivado ipx::add_register_parameter {-quiet} {} 2 2 register_parameter
vivado ipx::create_xgui_files {-quiet} {-logo_file} 1 1 none
vivado ipx::update_checksums {-quiet} {} 1 1 none
vivado ipx::check_integrity {-quiet -kernel -xrt} {} 1 1 none
vivado ipx::save_core {-quiet} {} 1 1 none
vivado set_property {-quiet} {-dict} 1 3 none

vivado get_files {-quiet -all} {-of_objects -filter} 0 1 source
vivado read_verilog {-quiet -sv} {-library} 1 1 source
vivado read_mem {-quiet} {} 1 1 none
vivado read_xdc {-quiet -unmanaged} {-mode -ref -cells} 1 1 none
vivado create_clock {-quiet -add} {-name -period -waveform} 0 1 clock
vivado get_cells {-quiet -hierarchical} {-filter} 0 1 cell
vivado get_ports {-quiet} {-filter} 0 1 port
vivado synth_design {-quiet -rtl -keep_equivalent_registers} {-top -part -mode -name -generic -verilog_define -include_dirs -flatten_hierarchy -directive} 0 0 none
vivado opt_design {-quiet} {-directive} 0 0 none
vivado place_design {-quiet} {-directive} 0 0 none
vivado phys_opt_design {-quiet} {-directive} 0 0 none
vivado route_design {-quiet} {-directive} 0 0 none
vivado report_utilization {-quiet -hierarchical} {-file} 0 0 none
vivado report_timing_summary {-quiet} {-file -delay_type -max_paths} 0 0 none
vivado write_checkpoint {-quiet -force} {} 1 1 none
vivado get_timing_paths {-quiet} {-delay_type -max_paths} 0 0 path

# What is asked for is always the same.
array set ::values {path:SLACK 0.5 run:PROGRESS 100% run:STATUS {write_bitstream Complete!} run:STATS.WNS 0.1}
proc get_property {name object} {
  set kind [lindex [split $object :] 0]
  if {![info exists ::values($kind:$name)]} {error "get_property: a $kind has no property $name"}
  return $::values($kind:$name)
}

# What an argument must be, where a wrong one would pass unseen.
proc expect {kind object} {
  if {![string match $kind:* $object]} {error "$object is not a $kind"}
}
set ::added {}
proc after_add_files {positional given} {
  foreach file [lindex $positional 0] {
    if {![file isfile $file]} {error "add_files: no file $file"}
    lappend ::added $file
  }
}
proc after_create_project {positional given} {lassign $positional ::project_name ::project_folder}
proc after_read_verilog {positional given} {after_add_files $positional $given}
proc after_read_mem {positional given} {after_add_files $positional $given}
proc after_read_xdc {positional given} {
  after_add_files $positional $given
  foreach file [lindex $positional 0] {uplevel #0 [list source $file]}
}
proc after_get_files {positional given} {
  # by their paths, or their names alone
  foreach wanted [lindex $positional 0] {
    if {$wanted ne {system.bd} && $wanted ni $::added && $wanted ni [lmap file $::added {file tail $file}]} {
      error "get_files: no file $wanted"
    }
  }
}
proc after_create_clock {positional given} {expect port [lindex $positional 0]}
proc after_set_property {positional given} {
  if {[llength $given]} {
    if {[llength $positional] != 1} {error "set_property: [llength $positional] arguments beside -dict"}
    # the object of `-dict pairs object` is the only one left
    return [set_cell [option $given -dict] [lindex $positional 0]]
  }
  if {[llength $positional] != 3} {error "set_property: [llength $positional] arguments"}
  lassign $positional name value object
  set kind [lindex [split $object :] 0]
  if {![info exists ::properties($kind)]} {error "set_property: no object $object"}
  if {[lsearch -exact $::properties($kind) $name] < 0} {error "set_property: a $kind has no property $name"}
}
proc after_ipx::add_register {positional given} {expect address_block [lindex $positional 1]}
proc after_ipx::add_register_parameter {positional given} {expect register [lindex $positional 1]}
proc after_ipx::add_bus_parameter {positional given} {expect bus [lindex $positional 1]}
proc after_ipx::associate_bus_interfaces {positional given} {expect core [lindex $positional 0]}
proc after_ipx::save_core {positional given} {expect core [lindex $positional 0]}

source [file join [file dirname [info script]] vivado_block_design.tcl]

# The calls as text: a line each; name, number of arguments, arguments, options, separated by the unit separator.
proc report {} {
  set lines {}
  foreach call $::calls {lappend lines [join $call "\x1f"]}
  return [join $lines "\n"]
}

# With arguments: run a script with the further ones, and print the report behind a line of its own.
if {[info exists ::argv] && [llength $::argv] > 0} {
  set ::recorded [lindex $::argv 0]
  set ::argv [lrange $::argv 1 end]
  source $::recorded
  puts "report:"
  puts [report]
}
