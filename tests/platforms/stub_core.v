// A core for tests of the shell: one beat in, one beat out, one cycle later, with any widths.
// Byte j of output beat b is input byte (j mod IN_BYTES) + j + 3 b. `frame_error` is sticky, as in a real core.
// Macros: STUB_IN_BYTES, STUB_OUT_BYTES, STUB_BEATS (beats a frame); STUB_WEIGHTS, if the core takes nothing before its
// weights have come, whose bytes' sum it adds to every byte.
module core (
    input aclk,
    input aresetn,
    input [8*`STUB_IN_BYTES-1:0] s_axis_tdata,
    input s_axis_tvalid,
    output s_axis_tready,
    input s_axis_tlast,
    output reg [8*`STUB_OUT_BYTES-1:0] m_axis_tdata,
    output reg m_axis_tvalid,
    input m_axis_tready,
    output reg m_axis_tlast,
`ifdef STUB_WEIGHTS
    input [63:0] s_axis_weights_tdata,
    input s_axis_weights_tvalid,
    output s_axis_weights_tready,
    input s_axis_weights_tlast,
    output reg weights_loaded,
`endif
    output reg frame_error
);
  reg [31:0] beat;
  wire last = beat == `STUB_BEATS - 1;
  integer j;

`ifdef STUB_WEIGHTS
  reg [7:0] sum;
  integer k;
  reg [7:0] total;

  assign s_axis_weights_tready = 1;
  assign s_axis_tready = weights_loaded && (!m_axis_tvalid || m_axis_tready);

  always @* begin
    total = weights_loaded ? 8'd0 : sum;
    for (k = 0; k < 8; k = k + 1) total = total + s_axis_weights_tdata[8*k+:8];
  end

  always @(posedge aclk) begin
    if (!aresetn) begin
      sum <= 0;
      weights_loaded <= 0;
    end else if (s_axis_weights_tvalid) begin
      sum <= total;
      weights_loaded <= s_axis_weights_tlast;
    end
  end
`else
  wire [7:0] sum = 0;
  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
`endif

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat <= 0;
      m_axis_tvalid <= 0;
      m_axis_tlast <= 0;
      frame_error <= 0;
    end else begin
      if (m_axis_tready) m_axis_tvalid <= 0;
      if (s_axis_tvalid && s_axis_tready) begin
        m_axis_tvalid <= 1;
        m_axis_tlast <= last;
        beat <= last ? 0 : beat + 1;
        if (last != s_axis_tlast) frame_error <= 1;
        for (j = 0; j < `STUB_OUT_BYTES; j = j + 1)
          m_axis_tdata[8*j+:8] <= s_axis_tdata[8*(j%`STUB_IN_BYTES)+:8] + j[7:0] + 8'd3 * beat[7:0] + sum;
      end
    end
  end
endmodule
