// What the instance's tools see of the custom logic; the HDK's build reads it for the manifest. Amazon's vendor number,
// and a device number out of those that are free for examples: put your own here.
`ifndef CL_ID_DEFINES
`define CL_ID_DEFINES
`define CL_SH_ID0 32'hF010_1D0F
`define CL_SH_ID1 32'h1D51_FEDC
`endif
