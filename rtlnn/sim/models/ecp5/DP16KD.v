// ECP5's block RAM for simulation, as Yosys infers it: without the output registers, rising edges only (FPGA-TN-02204).
// A word of 9 bits is half of one of 18; narrower ones, of which 8 share those 9 bits, leave the ninth alone. Words of 36
// bits take both ports' data: port A writes them, port B reads them, the lower half through the pins of port A.
module DP16KD (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "AUTO";
  parameter INITVAL_00 = 320'd0, INITVAL_01 = 320'd0, INITVAL_02 = 320'd0, INITVAL_03 = 320'd0,
            INITVAL_04 = 320'd0, INITVAL_05 = 320'd0, INITVAL_06 = 320'd0, INITVAL_07 = 320'd0,
            INITVAL_08 = 320'd0, INITVAL_09 = 320'd0, INITVAL_0A = 320'd0, INITVAL_0B = 320'd0,
            INITVAL_0C = 320'd0, INITVAL_0D = 320'd0, INITVAL_0E = 320'd0, INITVAL_0F = 320'd0,
            INITVAL_10 = 320'd0, INITVAL_11 = 320'd0, INITVAL_12 = 320'd0, INITVAL_13 = 320'd0,
            INITVAL_14 = 320'd0, INITVAL_15 = 320'd0, INITVAL_16 = 320'd0, INITVAL_17 = 320'd0,
            INITVAL_18 = 320'd0, INITVAL_19 = 320'd0, INITVAL_1A = 320'd0, INITVAL_1B = 320'd0,
            INITVAL_1C = 320'd0, INITVAL_1D = 320'd0, INITVAL_1E = 320'd0, INITVAL_1F = 320'd0,
            INITVAL_20 = 320'd0, INITVAL_21 = 320'd0, INITVAL_22 = 320'd0, INITVAL_23 = 320'd0,
            INITVAL_24 = 320'd0, INITVAL_25 = 320'd0, INITVAL_26 = 320'd0, INITVAL_27 = 320'd0,
            INITVAL_28 = 320'd0, INITVAL_29 = 320'd0, INITVAL_2A = 320'd0, INITVAL_2B = 320'd0,
            INITVAL_2C = 320'd0, INITVAL_2D = 320'd0, INITVAL_2E = 320'd0, INITVAL_2F = 320'd0,
            INITVAL_30 = 320'd0, INITVAL_31 = 320'd0, INITVAL_32 = 320'd0, INITVAL_33 = 320'd0,
            INITVAL_34 = 320'd0, INITVAL_35 = 320'd0, INITVAL_36 = 320'd0, INITVAL_37 = 320'd0,
            INITVAL_38 = 320'd0, INITVAL_39 = 320'd0, INITVAL_3A = 320'd0, INITVAL_3B = 320'd0,
            INITVAL_3C = 320'd0, INITVAL_3D = 320'd0, INITVAL_3E = 320'd0, INITVAL_3F = 320'd0;
  reg memory [0:18431];
  integer n, i, j;
  reg [319:0] row;

  // the bit of the memory that is bit n of the word at an address, which counts bits whatever the width
  function integer place(input integer width, input [13:0] address, input integer n);
    case (width)
      36: place = (address >> 5) * 36 + n;
      18: place = (address >> 4) * 18 + n;
      9: place = (address >> 3) * 9 + n;
      default: place = (address >> 3) * 9 + (address & 7 & ~(width - 1)) + n;
    endcase
  endfunction

  function [35:0] word(input integer width, input [13:0] address);
    integer k;
    begin
      word = 0;
      for (k = 0; k < width; k = k + 1) word[k] = memory[place(width, address, k)];
    end
  endfunction

  function [319:0] initial_row(input integer n);
    case (n)
      0: initial_row = INITVAL_00;
      1: initial_row = INITVAL_01;
      2: initial_row = INITVAL_02;
      3: initial_row = INITVAL_03;
      4: initial_row = INITVAL_04;
      5: initial_row = INITVAL_05;
      6: initial_row = INITVAL_06;
      7: initial_row = INITVAL_07;
      8: initial_row = INITVAL_08;
      9: initial_row = INITVAL_09;
      10: initial_row = INITVAL_0A;
      11: initial_row = INITVAL_0B;
      12: initial_row = INITVAL_0C;
      13: initial_row = INITVAL_0D;
      14: initial_row = INITVAL_0E;
      15: initial_row = INITVAL_0F;
      16: initial_row = INITVAL_10;
      17: initial_row = INITVAL_11;
      18: initial_row = INITVAL_12;
      19: initial_row = INITVAL_13;
      20: initial_row = INITVAL_14;
      21: initial_row = INITVAL_15;
      22: initial_row = INITVAL_16;
      23: initial_row = INITVAL_17;
      24: initial_row = INITVAL_18;
      25: initial_row = INITVAL_19;
      26: initial_row = INITVAL_1A;
      27: initial_row = INITVAL_1B;
      28: initial_row = INITVAL_1C;
      29: initial_row = INITVAL_1D;
      30: initial_row = INITVAL_1E;
      31: initial_row = INITVAL_1F;
      32: initial_row = INITVAL_20;
      33: initial_row = INITVAL_21;
      34: initial_row = INITVAL_22;
      35: initial_row = INITVAL_23;
      36: initial_row = INITVAL_24;
      37: initial_row = INITVAL_25;
      38: initial_row = INITVAL_26;
      39: initial_row = INITVAL_27;
      40: initial_row = INITVAL_28;
      41: initial_row = INITVAL_29;
      42: initial_row = INITVAL_2A;
      43: initial_row = INITVAL_2B;
      44: initial_row = INITVAL_2C;
      45: initial_row = INITVAL_2D;
      46: initial_row = INITVAL_2E;
      47: initial_row = INITVAL_2F;
      48: initial_row = INITVAL_30;
      49: initial_row = INITVAL_31;
      50: initial_row = INITVAL_32;
      51: initial_row = INITVAL_33;
      52: initial_row = INITVAL_34;
      53: initial_row = INITVAL_35;
      54: initial_row = INITVAL_36;
      55: initial_row = INITVAL_37;
      56: initial_row = INITVAL_38;
      57: initial_row = INITVAL_39;
      58: initial_row = INITVAL_3A;
      59: initial_row = INITVAL_3B;
      60: initial_row = INITVAL_3C;
      61: initial_row = INITVAL_3D;
      62: initial_row = INITVAL_3E;
      63: initial_row = INITVAL_3F;
      default: initial_row = 0;
    endcase
  endfunction

  initial
    for (i = 0; i < 64; i = i + 1) begin
      row = initial_row(i);
      for (j = 0; j < 288; j = j + 1) memory[i * 288 + j] = row[j / 18 * 20 + j % 18];
    end

  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [35:0] wide = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, dia};
  reg [17:0] doa, low;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? low : doa;
  initial doa = 0;
  always @(posedge CLKA)
    if (CEA) begin
      if (RSTA) doa <= 0;
      else if (!WEA || WRITEMODE_A == "READBEFOREWRITE") doa <= word(DATA_WIDTH_A, ada);
      else if (WRITEMODE_A == "WRITETHROUGH") doa <= dia;
      if (WEA)
        for (n = 0; n < DATA_WIDTH_A; n = n + 1)
          // wide words are written by parts of 9 bits
          if (DATA_WIDTH_A < 18 || ada[n / 9])
            memory[place(DATA_WIDTH_A, ada, n)] <= wide[n];
    end

  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  reg [17:0] dob;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = dob;
  initial {dob, low} = 0;
  always @(posedge CLKB)
    if (CEB) begin
      if (RSTB) {dob, low} <= 0;
      else if (!WEB || WRITEMODE_B == "READBEFOREWRITE") {dob, low} <= word(DATA_WIDTH_B, adb) << (DATA_WIDTH_B == 36 ? 0 : 18);
      else if (WRITEMODE_B == "WRITETHROUGH") dob <= dib;
      if (WEB)
        for (n = 0; n < DATA_WIDTH_B; n = n + 1)
          if (DATA_WIDTH_B < 18 || adb[n / 9])
            memory[place(DATA_WIDTH_B, adb, n)] <= dib[n];
    end
endmodule
