// Gowin's LUTs as Yosys's own cells, which it writes as expressions.
module LUT1 (input I0, output F);
  parameter [1:0] INIT = 0;
  \$lut #(.WIDTH(1), .LUT(INIT)) _TECHMAP_REPLACE_ (.A({I0}), .Y(F));
endmodule

module LUT2 (input I0, I1, output F);
  parameter [3:0] INIT = 0;
  \$lut #(.WIDTH(2), .LUT(INIT)) _TECHMAP_REPLACE_ (.A({I1, I0}), .Y(F));
endmodule

module LUT3 (input I0, I1, I2, output F);
  parameter [7:0] INIT = 0;
  \$lut #(.WIDTH(3), .LUT(INIT)) _TECHMAP_REPLACE_ (.A({I2, I1, I0}), .Y(F));
endmodule

module LUT4 (input I0, I1, I2, I3, output F);
  parameter [15:0] INIT = 0;
  \$lut #(.WIDTH(4), .LUT(INIT)) _TECHMAP_REPLACE_ (.A({I3, I2, I1, I0}), .Y(F));
endmodule
