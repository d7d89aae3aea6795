// Behaviour of the DSP48E2 slice (AMD UG579), as far as designs use it; for simulation only, never for synthesis.
// The vendor's own model can take its place: names and ports are the same.
//
// Modelled: one or two A and B registers, D, M, P and (if used) C and OPMODE registers, with their enables and resets; the
// pre-adder (D + A2) or A2 alone; the 27x18 multiplier; and W + X + Y + Z with W = 0, P, RND or C, Z = 0, PCIN, P,
// PCIN >> 17 or P >> 17. X and Y are the product; without a multiplier X = 0 or A:B, Y = 0 or C, and the sum may be that
// of two halves of 24 bits without a carry between them. Any bit of OPMODE may be inverted on its way in. Anything else
// stops the simulation with a message.
module DSP48E2 #(
    parameter AMULTSEL = "A",
    parameter A_INPUT = "DIRECT",
    parameter BMULTSEL = "B",
    parameter B_INPUT = "DIRECT",
    parameter PREADDINSEL = "A",
    parameter USE_MULT = "MULTIPLY",
    parameter USE_SIMD = "ONE48",
    parameter integer AREG = 1,
    parameter integer ACASCREG = 1,
    parameter integer BREG = 1,
    parameter integer BCASCREG = 1,
    parameter integer CREG = 1,
    parameter integer DREG = 1,
    parameter integer ADREG = 1,
    parameter integer MREG = 1,
    parameter integer PREG = 1,
    parameter integer ALUMODEREG = 1,
    parameter integer CARRYINREG = 1,
    parameter integer CARRYINSELREG = 1,
    parameter integer INMODEREG = 1,
    parameter integer OPMODEREG = 1,
    parameter [8:0] IS_OPMODE_INVERTED = 9'd0,
    parameter [47:0] RND = 48'd0
) (
    input CLK,
    input [29:0] A,
    input [17:0] B,
    input [47:0] C,
    input [26:0] D,
    input [47:0] PCIN,
    input [29:0] ACIN,
    input [17:0] BCIN,
    input [8:0] OPMODE,
    input [4:0] INMODE,
    input [3:0] ALUMODE,
    input CARRYIN,
    input [2:0] CARRYINSEL,
    input CARRYCASCIN,
    input MULTSIGNIN,
    input CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE, CEM, CEP,
    input RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
    output [47:0] P,
    output [47:0] PCOUT
);
  localparam SUPPORTED = (AMULTSEL == "AD" || AMULTSEL == "A") && A_INPUT == "DIRECT" && BMULTSEL == "B"
      && B_INPUT == "DIRECT" && PREADDINSEL == "A"
      && (USE_MULT == "MULTIPLY" && USE_SIMD == "ONE48" && MREG == 1
          || USE_MULT == "NONE" && AMULTSEL == "A" && (USE_SIMD == "ONE48" || USE_SIMD == "TWO24") && MREG == 0)
      && (AREG == 1 || AREG == 2) && (BREG == 1 || BREG == 2) && (CREG == 0 || CREG == 1) && DREG == 1 && ADREG == 1
      && PREG == 1 && ALUMODEREG == 0 && CARRYINREG == 0 && CARRYINSELREG == 0 && INMODEREG == 0
      && (OPMODEREG == 0 || OPMODEREG == 1);

  initial
    if (!SUPPORTED) begin
      $display("DSP48E2: a register or multiplexer setting that this model does not have");
      $finish;
    end

  reg [29:0] a1, a2;
  reg signed [26:0] d, ad;
  reg signed [17:0] b1, b2;
  reg signed [44:0] m;
  reg [47:0] c_register, p;
  reg [8:0] opmode_register;
  wire [8:0] opmode_in = OPMODE ^ IS_OPMODE_INVERTED;
  wire [8:0] opmode = OPMODEREG == 1 ? opmode_register : opmode_in;
  wire signed [26:0] a_multiplier = AMULTSEL == "AD" ? ad : a2[26:0];
  wire [47:0] product = {{3{m[44]}}, m};
  wire [47:0] c = CREG == 1 ? c_register : C;
  wire [47:0] w = opmode[8] ? (opmode[7] ? c : RND) : opmode[7] ? p : 48'd0;
  wire [47:0] shifted = opmode[5] ? p : PCIN;
  wire [47:0] z = opmode[6] ? {{17{shifted[47]}}, shifted[47:17]} : opmode[5] ? p : opmode[4] ? PCIN : 48'd0;
  wire [47:0] x = USE_MULT == "MULTIPLY" ? product : opmode[0] ? {a2, b2} : 48'd0;
  wire [47:0] y = USE_MULT == "NONE" && opmode[2] ? c : 48'd0;
  wire [47:0] sum = w + x + y + z;
  // without what the lower half carries
  wire [23:0] upper = w[47:24] + x[47:24] + y[47:24] + z[47:24];

  always @(posedge CLK) begin
    if (RSTA) a1 <= 0;
    else if (CEA1) a1 <= A;
    if (RSTA) a2 <= 0;
    else if (CEA2) a2 <= AREG == 2 ? a1 : A;
    if (RSTD) d <= 0;
    else if (CED) d <= D;
    if (RSTD) ad <= 0;
    else if (CEAD) ad <= d + a2[26:0];
    if (RSTB) b1 <= 0;
    else if (CEB1) b1 <= B;
    if (RSTB) b2 <= 0;
    else if (CEB2) b2 <= BREG == 2 ? b1 : B;
    if (RSTC) c_register <= 0;
    else if (CEC) c_register <= C;
    if (RSTM) m <= 0;
    else if (CEM) m <= a_multiplier * b2;
    if (RSTP) p <= 0;
    else if (CEP) p <= USE_SIMD == "TWO24" ? {upper, sum[23:0]} : sum;
    if (RSTCTRL) opmode_register <= 0;
    else if (CECTRL) opmode_register <= opmode_in;
    if (opmode_in[6:4] == 3'b011 || opmode_in[6:4] == 3'b100 || opmode_in[6:4] == 3'b111
        || (USE_MULT == "MULTIPLY" ? opmode_in[3:0] != 4'b0101 : opmode_in[1] != opmode_in[0] || opmode_in[3] != opmode_in[2])
        || INMODE != (AMULTSEL == "AD" ? 5'b00100 : 5'b00000)
        || ALUMODE != 0 || CARRYIN || CARRYINSEL != 0) begin
      $display("DSP48E2: an operation that this model does not have");
      $finish;
    end
  end

  assign P = p;
  assign PCOUT = p;
endmodule
