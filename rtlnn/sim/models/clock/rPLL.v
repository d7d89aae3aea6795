// Gowin's PLL for simulation: the clock as it comes, locked at once. Only what this project uses.
module rPLL (
  input CLKIN, CLKFB, RESET, RESET_P,
  input [5:0] FBDSEL, IDSEL, ODSEL,
  input [3:0] PSDA, DUTYDA, FDLY,
  output CLKOUT, LOCK
);
  parameter DEVICE = "GW1NR-9C", FCLKIN = "100.0", CLKFB_SEL = "internal";
  parameter IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 8;
  parameter DYN_IDIV_SEL = "false", DYN_FBDIV_SEL = "false", DYN_ODIV_SEL = "false", DYN_DA_EN = "false";
  assign CLKOUT = CLKIN;
  assign LOCK = 1;
endmodule
