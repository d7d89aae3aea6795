// A core for tests of the shell: one beat in, one beat out, one cycle later, with any widths.
// Byte j of output beat b is input byte (j mod IN_BYTES) + j + 3 b. `frame_error` is sticky, as in a real core.
// Macros: STUB_IN_BYTES, STUB_OUT_BYTES, STUB_BEATS (beats a frame).
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
    output reg frame_error
);
  reg [31:0] beat;
  wire last = beat == `STUB_BEATS - 1;
  integer j;

  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;

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
          m_axis_tdata[8*j+:8] <= s_axis_tdata[8*(j%`STUB_IN_BYTES)+:8] + j[7:0] + 8'd3 * beat[7:0];
      end
    end
  end
endmodule
